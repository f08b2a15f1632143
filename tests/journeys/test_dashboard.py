"""The live page as somebody on call sees it: a real gateway that migrates, a real browser."""

import re
import urllib.request

import pytest

from support.browser import browser, needs_chromium
from support.migrating import SCRIPTS, Traffic, config, migrate, started, until_status
from support.scripted_server import scripted_server
from support.serving import ADMIN_KEY, serving, until, with_admin

LONG = {"step": 0.5, "hold": "1h", "min_units": 20}
SECRET = "sk-upstream-secret"


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(scripts=SCRIPTS, seed=4) as running:
        yield running


def gateway(upstream, **new):
    made = config(upstream.base_url, **new)
    for variant in made["variants"].values():
        variant["key"] = SECRET
    return with_admin(made)


def words(running):
    status, markup = running.admin("/dashboard/live")
    assert status == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup))


def test_the_page_is_for_everybody_and_what_it_shows_for_the_key_alone(tmp_path, upstream):
    """Given a gateway, when somebody without the key asks, then they get a page that holds nothing, and a browser is told
    to run nothing else, frame nothing and keep nothing."""
    with serving(tmp_path, gateway(upstream)) as running:
        with urllib.request.urlopen(f"{running.admin_url}/dashboard", timeout=20) as reply:
            page, headers = reply.read().decode(), reply.headers
        for key in (None, "wrong"):
            assert running.admin("/dashboard/live", key=key)[0] == 401
        status, moment = running.admin("/dashboard/live")
        assert running.admin("/dashboard", method="POST")[0] == 405
    assert status == 200
    assert "support" in moment
    for secret in (ADMIN_KEY, SECRET, upstream.base_url):
        assert secret not in page + moment
    assert "support" not in page
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_a_rollback_is_seen_as_it_happens_and_counted_for_prometheus(tmp_path, upstream):
    """Given a candidate that fails, when it migrates, then the page tells the rollback, why, and that all replicas obey,
    the series say the same, and a person's later word stands there with their reason."""
    with (
        serving(tmp_path, gateway(upstream, new="failing"), workers=2) as running,
        Traffic(running.openai_url, turns=1, threads=2),
    ):
        id = started(tmp_path, LONG)  # noqa: A001  # it is what it is
        until_status(tmp_path, id, "rolled_back")
        until(lambda: "both obey" in words(running), "all obey")
        said = words(running)
        assert "✗ rolled back" in said
        assert "roll back 0 % error_rate" in said
        assert "Evidence of harm" in said
        assert running.metric("pointsman_migration_status", status="rolled_back", migration=id) == 1
        assert running.metric("pointsman_migration_candidate_ratio", route="support") == 0
        until(lambda: running.metric("pointsman_migration_evidence_ratio", check="error_rate") >= 1, "the evidence is told")
        assert running.metric("pointsman_answers_total", route="support", variant="old") > 0
        again = started(tmp_path, {**LONG, "step": 0.0001})
        assert migrate(tmp_path, "pause", again, "--why", "<b>lunch</b>").code == 0
        paused = until(lambda: (m := running.admin("/dashboard/live")[1]) and "paused by a person" in m and m, "it is paused")
        assert "&lt;b&gt;lunch&lt;/b&gt;" in paused
        assert running.metric("pointsman_migration_waiting", reason="paused", migration=again) == 1


@needs_chromium
def test_a_browser_asks_for_the_key_again_if_it_was_wrong_and_then_keeps_up(tmp_path, upstream):
    """Given the page in Chromium, when the key is wrong, then it says so and asks again; when it is right, then the page
    draws the migration anew every two seconds, fits a narrow window, breaks no policy, and forgets the key when told to."""
    with (
        serving(tmp_path, gateway(upstream)) as running,
        Traffic(running.openai_url, turns=1, threads=1),
        browser(tmp_path) as tab,
    ):
        started(tmp_path, LONG)
        tab.go(f"{running.admin_url}/dashboard")
        assert tab.value("document.activeElement.id") == "key"
        tab.type("wrong")
        tab.until("document.getElementById('trouble').textContent.includes('refused')")
        assert tab.value("document.getElementById('ask').hidden") is False
        assert tab.value("sessionStorage.length") == 0
        tab.type(ADMIN_KEY)
        tab.until("document.querySelectorAll('#moment svg[role=img]').length === 2")
        assert tab.value("document.getElementById('trouble').hidden && document.getElementById('ask').hidden")
        assert tab.value("document.getElementById('said').textContent") == "support: running, phase 1 of 1"
        first = tab.value("document.getElementById('moment').dataset.at")
        tab.until(f"document.getElementById('moment').dataset.at > '{first}'")
        tab.looks(width=400, dark=True)
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")
        tab.value("document.querySelector('#moment .scroll').focus()")
        reached = tab.value("document.activeElement.getAttribute('aria-label')")
        then = tab.value("document.getElementById('moment').dataset.at")
        tab.until(f"document.getElementById('moment').dataset.at > '{then}'")
        assert tab.value("document.activeElement.getAttribute('aria-label')") == reached
        tab.value("document.getElementById('forget').click()")
        assert tab.value("sessionStorage.length") == 0
        assert tab.value("document.getElementById('live').textContent") == ""
        assert {url.removeprefix(running.admin_url) for url in tab.asked} == {"/dashboard", "/dashboard/live"}
        assert [c for c in tab.complaints if "401" not in c] == []
