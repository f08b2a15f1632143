"""From requests to people: over real HTTP, and by Apprise."""

import asyncio
import http.server
import json
import threading

import msgspec
import pytest

from pointsman.app.alert_spec import AlertsSpec, checked_alerts
from pointsman.app.alerting import Alerting
from pointsman.core.failure import ConfigError
from support.served import AT_S, attempt, failure, served


@pytest.fixture
def receiver():
    """Keeps what it is sent: (path, body)."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_):
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.got, server.url = got, f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def spec(**alerts):
    return checked_alerts(msgspec.convert(alerts, AlertsSpec), {"r": None})


def fill(alerting, variant, failed, requests, at_s=AT_S):
    for number in range(requests):
        bad = failure() if number < failed else None
        alerting.windows.add(served(at_s=at_s, variant=variant, attempts=(attempt(variant, failure=bad),)))


def test_the_usual_rules_compare_the_candidate_with_the_baseline_and_accuse_only_it():
    alerting = Alerting(print, spec())
    for minute in range(8):
        fill(alerting, "old", 2, 100, AT_S + 60 * minute)
        fill(alerting, "new", 6, 100, AT_S + 60 * minute)
    told = [
        notice for minute in range(8) for notice in alerting.look({"r": ("old", "new")}, {"r": None}, AT_S + 60 * minute + 30)
    ]
    assert [(n.rule, n.variant, n.change) for n in told] == [("error_rate_high", "new", "fires")]
    assert "the baseline's is 0.02" in told[0].summary
    assert alerting.firing == [("error_rate_high", "r", "new")]


def test_without_a_migration_there_is_no_baseline_and_only_an_outage_is_told():
    alerting = Alerting(print, spec())
    told = []
    for minute in range(3):
        fill(alerting, "new", 90, 100, AT_S + 60 * minute)
        told += alerting.look({}, {"r": None}, AT_S + 60 * minute + 30)
    assert [(n.rule, n.severity) for n in told] == [("outage", "critical")]


def test_receivers_get_what_alertmanager_gets_and_what_it_sends(receiver):
    rules = {"errors": {"metric": "error_rate", "above": 0.1, "for_s": 0, "keep_firing_for_s": 0}}
    notify = {"hook": {"webhook": f"{receiver.url}/hook"}, "am": {"alertmanager": receiver.url}}
    said = []
    alerting = Alerting(said.append, spec(defaults=False, rules=rules, notify=notify))
    fill(alerting, "new", 50, 100)
    asyncio.run(alerting.tell(alerting.look({}, {"r": None}, AT_S + 30)))
    fill(alerting, "new", 0, 5000, AT_S + 1)
    asyncio.run(alerting.tell(alerting.look({}, {"r": None}, AT_S + 31)))
    bodies = dict(receiver.got[:2])
    hook, pushed = bodies["/hook"], bodies["/api/v2/alerts"]
    assert (hook["version"], hook["status"]) == ("4", "firing")
    assert hook["alerts"][0]["labels"] == {"alertname": "errors", "severity": "warning", "route": "r", "variant": "new"}
    assert "0.5 over 100 requests" in pushed[0]["annotations"]["summary"]
    ended = dict(receiver.got[2:])
    assert ended["/hook"]["status"] == "resolved"
    assert ended["/api/v2/alerts"][0]["endsAt"].endswith("Z")
    assert said[0].startswith("alert FIRING: errors · r · new")


def test_apprise_delivers_to_its_own_kind_of_address(receiver):
    rules = {"errors": {"metric": "error_rate", "above": 0.1, "for_s": 0}}
    address = receiver.url.replace("http://", "json://")
    alerting = Alerting(print, spec(defaults=False, rules=rules, notify={"team": {"url": address}}))
    fill(alerting, "new", 50, 100)
    asyncio.run(alerting.tell(alerting.look({}, {"r": None}, AT_S + 30)))
    ((_, body),) = receiver.got
    assert body["title"] == "FIRING: errors · r · new"
    assert body["type"] == "failure"


def test_a_receiver_that_is_away_is_counted_and_its_address_not_said(receiver):
    rules = {"errors": {"metric": "error_rate", "above": 0.1, "for_s": 0}}
    notify = {"gone": {"webhook": "http://127.0.0.1:9/secret"}, "broken": {"webhook": f"{receiver.url}/broken"}}
    said = []
    alerting = Alerting(said.append, spec(defaults=False, rules=rules, notify=notify))
    fill(alerting, "new", 50, 100)
    asyncio.run(alerting.tell(alerting.look({}, {"r": None}, AT_S + 30)))
    assert alerting.undelivered == 2
    assert any("could not be sent to gone" in line for line in said)
    assert not any("secret" in line for line in said)


@pytest.mark.parametrize(
    "alerts, key",
    [
        ({"rules": {"x": {"metric": "error_rate"}}}, "alerts.rules.x"),
        ({"rules": {"x": {"metric": "error_rate", "above": 1, "below": 0}}}, "alerts.rules.x"),
        ({"rules": {"x": {"metric": "error_rate", "above": 1, "window_s": 7200}}}, "alerts.rules.x.window_s"),
        ({"rules": {"x": {"metric": "error_rate", "above": 1, "routes": ["q"]}}}, "alerts.rules.x.routes"),
        ({"rules": {"x": {"metric": "error_rate", "above": 1, "notify": ["q"]}}}, "alerts.rules.x.notify"),
        ({"notify": {"x": {}}}, "alerts.notify.x"),
    ],
)
def test_a_mistake_names_its_key(alerts, key):
    with pytest.raises(ConfigError) as caught:
        spec(**alerts)
    assert caught.value.key == key


def test_a_usual_rule_can_be_replaced_or_taken_away():
    changed = spec(rules={"outage": None, "error_rate_high": {"metric": "error_rate", "over_baseline": 2}})
    assert set(changed.in_force()) == {"error_rate_high", "latency_degraded", "satisfaction_down"}
    assert changed.in_force()["error_rate_high"].over_baseline == 2


def test_a_reload_keeps_what_fires_and_forgets_rules_that_are_gone():
    rules = {"errors": {"metric": "error_rate", "above": 0.1, "for_s": 0}}
    alerting = Alerting(print, spec(defaults=False, rules=rules))
    fill(alerting, "new", 50, 100)
    alerting.look({}, {"r": None}, AT_S + 30)
    alerting.change(spec(rules=rules))
    assert alerting.firing == [("errors", "r", "new")]
    alerting.change(spec())
    assert alerting.firing == []
