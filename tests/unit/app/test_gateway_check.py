"""The doctor's look at serving: each thing that will not work is named, with what to do."""

import asyncio
import socket
from hashlib import sha256

import pytest

from pointsman.app.gateway_check import check_gateway
from support.gateway import gateway, project_of, variant

HASH = "sha256:" + sha256(b"a key").hexdigest()
VARIANTS = {"m": variant("http://127.0.0.1:9")}
GOOD = {
    "variants": VARIANTS,
    "routes": {"m": {"variant": "m"}},
    "gateway": {"port": 0, "tenants": {"acme": {"keys": [HASH]}}, "admin": {"key": HASH, "port": 0}},
}


def looked_at(config, folder, environment=None):
    found = asyncio.run(check_gateway(project_of(config), folder, environment or {}))
    assert all(f.area == "gateway" for f in found)
    assert all(f.advice for f in found if f.state != "pass"), "what is wrong comes with what to do"
    return {f.subject: f for f in found}


def states(config, folder):
    return {subject: f.state for subject, f in looked_at(config, folder).items()}


def changed(**gateway_keys):
    return {**GOOD, "gateway": {**GOOD["gateway"], **gateway_keys}}


def test_a_project_that_serves_nothing_is_not_looked_at(tmp_path):
    """Its variants may be recordings that no gateway can serve."""
    assert states({"variants": {"r": {"provider": "replay", "model": "m", "answers": "a.jsonl"}}}, tmp_path) == {}


def test_all_in_order(tmp_path):
    assert states(GOOD, tmp_path) == dict.fromkeys(("routes", "tenants", "admin", "address", "ledger"), "pass")
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"


@pytest.mark.parametrize(
    "config, words",
    [
        ({**GOOD, "routes": {"m": {"variant": "mm"}}}, "routes.m"),
        ({**GOOD, "variants": {"m": {"provider": "scripted", "model": "m"}}}, "behind HTTP"),
        (changed(tenants={"acme": {"keys": ["plain-text-key"]}}), "sha256"),
        (changed(tenants={"acme": {"keys": [HASH]}, "other": {"keys": [HASH]}}), "same key"),
        (changed(tenants={"acme": {"keys": [HASH], "routes": ["nowhere"]}}), "no such route"),
    ],
    ids=["unknown variant", "nothing behind HTTP", "a key that is no hash", "one key for two", "unknown route"],
)
def test_what_serve_would_refuse_is_found_before(config, words, tmp_path):
    found = looked_at(config, tmp_path)["routes"]
    assert found.state == "fail"
    assert words in found.detail + found.advice
    assert "plain-text-key" not in found.detail + found.advice


def test_a_price_nobody_knows_and_a_variant_nobody_asks_are_named(tmp_path):
    unpriced = {**VARIANTS["m"], "price": None, "model": "nobody-prices-this"}
    found = looked_at({**GOOD, "variants": {"m": unpriced, "idle": VARIANTS["m"]}}, tmp_path)
    assert found["variants.m"].state == "unknown"
    assert "variants.m" in found["variants.m"].advice
    assert "idle" in found["variants"].detail


@pytest.mark.parametrize("host, state", [("127.0.0.1", "unknown"), ("0.0.0.0", "fail")])
def test_a_gateway_without_keys_is_for_this_machine_only(host, state, tmp_path):
    assert looked_at(changed(host=host, tenants={}), tmp_path)["tenants"].state == state


@pytest.mark.parametrize(
    "admin, state",
    [
        ({}, "unknown"),
        ({"key": "short"}, "fail"),
        ({"key": "long-enough-for-a-key"}, "pass"),
        ({"key": HASH, "host": "0.0.0.0"}, "unknown"),
    ],
)
def test_the_admin_listener_wants_a_key_that_nobody_guesses(admin, state, tmp_path):
    assert looked_at(changed(admin={"port": 0, **admin}), tmp_path)["admin"].state == state


def test_a_tenant_without_keys_is_named(tmp_path):
    found = looked_at(changed(tenants={"acme": {"keys": []}}), tmp_path)["tenants"]
    assert (found.state, "acme" in found.detail) == ("unknown", True)


def test_an_address_that_is_taken_is_a_fault_unless_our_own_gateway_has_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert looked_at(changed(port=taken.getsockname()[1]), tmp_path)["address"].state == "fail"
    with gateway(GOOD) as running:
        port = int(running.base_url.rpartition(":")[2])
        assert looked_at(changed(port=port), tmp_path)["address"].state == "pass"
        other = {**changed(port=port), "routes": {"renamed": {"variant": "m"}}}
        found = looked_at(other, tmp_path)["address"]
        assert (found.state, "reload" in found.advice) == ("unknown", True)


def test_an_admin_address_that_is_taken_is_a_fault(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = looked_at(changed(admin={"key": HASH, "port": taken.getsockname()[1]}), tmp_path)
    assert found["admin address"].state == "fail"


@pytest.mark.parametrize(
    "config, subject, state",
    [
        ({**GOOD, "store": {"ledger": "folder"}}, "ledger", "fail"),
        ({**GOOD, "store": {"ledger": "file/x.sqlite"}}, "ledger", "fail"),
        ({**GOOD, "store": {"ledger": None}}, "ledger", "unknown"),
        ({**GOOD, "store": {"ledger": "new/deep/x.sqlite"}}, "ledger", "pass"),
        (changed(access_log="logs/a.jsonl"), "access log", "fail"),
        (changed(access_log="a.jsonl"), "access log", "pass"),
    ],
)
def test_where_it_writes_can_be_written(config, subject, state, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    assert looked_at(config, tmp_path)[subject].state == state


def test_a_collector_wants_an_address(tmp_path):
    assert looked_at(changed(otel={}), tmp_path)["otel"].state == "fail"
    assert looked_at(changed(otel={}), tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"})["otel"].state == "pass"
    assert looked_at(changed(otel={"endpoint": "http://c:4318"}), tmp_path)["otel"].state == "pass"
