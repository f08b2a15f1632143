"""The live page as somebody on call sees it: a real gateway that migrates under traffic, in headless Chromium."""

import pytest

from support.browser import browser, needs_chromium
from support.migrating import SCRIPTS, Traffic, config, started, until_status
from support.scripted_server import scripted_server
from support.serving import ADMIN_KEY, serving, with_admin

pytestmark = [pytest.mark.slow, needs_chromium]

STEPS = ({"step": 0.2, "hold": "1h", "min_units": 20}, {"step": 0.5, "hold": "1h", "min_units": 20})
GUARDRAILS = ("error_rate", "latency_p95", "refusals")
LOOKS = [(width, dark) for width in (1000, 400) for dark in (False, True)]

MOMENT = "document.getElementById('moment')"
FIGURES = "Object.fromEntries([...document.querySelectorAll('.figures > div')].map(d => [...d.children].map(c => c.textContent)))"
EVIDENCE = """(() => {
  const chart = document.querySelector('#moment svg[aria-labelledby$="evidence-d"]');
  const lines = [...chart.querySelectorAll('polyline')];
  const places = line => line.getAttribute('points').split(' ').map(place => place.split(',').map(Number));
  const level = [...chart.querySelectorAll('line.grid')].find(l => l.getAttribute('y1') === l.getAttribute('y2'));
  return {
    threshold: Number(chart.querySelector('line.baseline').getAttribute('y1')),
    nothing: Number(level.getAttribute('y1')),
    lines: lines.map(places),
    looks: lines.map(l => [getComputedStyle(l).stroke, getComputedStyle(l).strokeDasharray].join()),
    legend: [...chart.closest('figure').querySelectorAll('.legend li')].map(l => l.textContent),
    tall: chart.getBoundingClientRect().height,
  };
})()"""
TRIED = r"Number(document.querySelector('.figures').textContent.match(/Requests tried with it([\d,]+)/)[1].replace(',', ''))"
FAINT = """(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const seen = e => e ? Number(getComputedStyle(e).opacity) * seen(e.parentElement) : 1;
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility() || e.closest('script, style, .unseen')) continue;
    const back = behind(e), share = seen(e), style = getComputedStyle(e);
    const ink = parts(e.namespaceURI.endsWith('svg') ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink.map((c, i) => share * c + (1 - share) * back[i])), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${walk.currentNode.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
})()"""
"""Words that stand out from what is behind them by less than WCAG 2.2 (1.4.3, AA) asks."""


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(scripts=SCRIPTS, seed=4) as running:
        yield running


def gateway(upstream, **new):
    return with_admin(config(upstream.base_url, **new))


def opened(tab, running):
    """The page, with the right key."""
    tab.go(f"{running.admin_url}/dashboard")
    tab.type(ADMIN_KEY)
    tab.until(MOMENT)


@pytest.fixture(scope="module")
def moved(tmp_path_factory, upstream):
    """The page of a gateway whose migration went back, on which nobody asks any more."""
    folder = tmp_path_factory.mktemp("moved")
    with serving(folder, gateway(upstream, new="failing")) as running, browser(folder) as tab:
        opened(tab, running)
        with Traffic(running.openai_url, turns=1, threads=2):
            until_status(folder, begun(folder), "rolled_back")
        tab.until("document.querySelector('.headline')?.textContent.includes('rolled back')")
        yield tab


def begun(folder):
    return started(folder, *STEPS, guardrails={name: {} for name in GUARDRAILS})


def test_a_migration_and_its_evidence_are_drawn_while_traffic_goes_on(tmp_path, upstream):
    """Given a sound candidate under traffic, when the page is open, then it shows the migration, its share, and each
    guardrail's evidence as a line below the one at which it would roll back, and draws them anew by itself."""
    with (
        serving(tmp_path, gateway(upstream), workers=2) as running,
        Traffic(running.openai_url, turns=1),
        browser(tmp_path) as tab,
    ):
        opened(tab, running)
        id = begun(tmp_path)  # noqa: A001  # it is what it is
        tab.until(f"{MOMENT}.querySelectorAll('polyline').length === {1 + len(GUARDRAILS)}")
        tab.until("document.querySelector('.figures')?.textContent.includes('both obey')")
        assert tab.value("document.querySelector('.headline').textContent") == f"old → new ● running{id}"
        assert tab.value("document.querySelector('.phases [aria-current=step]').textContent").startswith("● step 20 %")
        first = tab.value(FIGURES)
        assert first["Share of new users that get the candidate"] == "20 %"
        drawn = tab.value(EVIDENCE)
        assert drawn["legend"] == list(GUARDRAILS)
        assert len(set(drawn["looks"])) == len(GUARDRAILS)
        assert 0 < drawn["threshold"] < drawn["nothing"] < drawn["tall"]
        for line in drawn["lines"]:
            assert all(y > drawn["threshold"] for _, y in line)
        tab.until(f"{TRIED} > {tab.value(TRIED)}")
        tab.until(f"{EVIDENCE}.lines[0].length > {len(drawn['lines'][0])}")
        assert tab.complaints == []
        assert {url.removeprefix(running.admin_url) for url in tab.asked} == {"/dashboard", "/dashboard/live"}


def test_a_rollback_shows_without_a_reload(tmp_path, upstream):
    """Given an open page and a candidate that fails, when it is sent back, then the page says so by itself: the words, the
    share at nothing, the evidence across its threshold, why, and that every replica obeys; nobody reloaded it."""
    made = gateway(upstream, new="failing")
    with serving(tmp_path, made, workers=2) as running, browser(tmp_path) as tab:
        opened(tab, running)
        tab.value("globalThis.neverReloaded = true")
        id = begun(tmp_path)  # noqa: A001  # it is what it is
        tab.until("document.querySelector('.headline')?.textContent.includes('● running')")
        with Traffic(running.openai_url, turns=1, threads=2):
            until_status(tmp_path, id, "rolled_back")
            tab.until("document.querySelector('.headline')?.textContent.includes('✗ rolled back')")
            tab.until(f"{FIGURES}.Replicas === '✓ both obey'")
        assert tab.value("globalThis.neverReloaded") is True
        assert tab.value(FIGURES)["Share of new users that get the candidate"] == "0 %"
        drawn = tab.value(EVIDENCE)
        assert min(y for _, y in drawn["lines"][0]) <= drawn["threshold"]
        assert "roll back 0 % error_rate" in tab.value("document.getElementById('live').innerText").replace("\t", " ")
        assert tab.value("document.getElementById('said').textContent") == "support: rolled back"
        assert tab.complaints == []


def test_asking_for_the_key_can_be_read_and_says_what_was_wrong_with_one(tmp_path, upstream):
    """Given a wrong key on a phone by night, when it was refused, then every word can be read, and the right one helps."""
    with serving(tmp_path, gateway(upstream)) as running, browser(tmp_path) as tab:
        tab.looks(width=400, dark=True)
        tab.go(f"{running.admin_url}/dashboard")
        tab.type("wrong")
        tab.until("!document.getElementById('trouble').hidden")
        assert tab.value("document.getElementById('trouble').textContent") == "This key was refused. Try another one."
        assert tab.value("document.documentElement.scrollWidth") <= 400
        assert tab.value(FAINT) == []
        tab.type(ADMIN_KEY)
        tab.until(MOMENT)
        assert tab.value("document.getElementById('trouble').hidden")


@pytest.mark.parametrize("width, dark", LOOKS)
def test_it_can_be_read_by_day_and_night_on_a_phone_too(moved, width, dark):
    """Given a migration that went back, in a window of that width and colours, then nothing hangs out sideways, and every
    word stands out from its ground."""
    moved.looks(width=width, dark=dark)
    assert moved.value("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert moved.value("document.documentElement.scrollWidth") <= width
    assert moved.value(FAINT) == []


def test_what_is_reached_by_keyboard_stays_reached_when_it_is_drawn_anew(moved):
    """Given a narrow window, when somebody scrolls a table sideways by keyboard, then it stays scrolled and theirs."""
    moved.looks(width=400, dark=False)
    moved.value("(box => { box.focus(); box.scrollLeft = 40; })(document.querySelector('#moment .scroll'))")
    at = moved.value(f"{MOMENT}.dataset.at")
    moved.until(f"{MOMENT}.dataset.at > '{at}'")
    assert moved.value("document.activeElement.matches('#moment .scroll') && document.activeElement.scrollLeft") == 40
