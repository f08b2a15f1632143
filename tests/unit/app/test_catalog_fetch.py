"""A refresh over real HTTP: a good list is taken, whatever is wrong with one leaves the last good data and says why."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from pointsman.app.catalog_fetch import fetch_sources
from pointsman.catalog.price_list import use_list
from pointsman.cli.catalog import command
from pointsman.core.failure import PointsmanError
from pointsman.report.document import schema
from support.price_file import all_zero, list_file, scaled, times_thousand


class Mirror:
    """A server of one list; the test says what it answers."""

    def __init__(self) -> None:
        self.status, self.body, self.media = 200, b"[]", "application/json"
        self.headers: dict[str, str] = {}
        self.cut_at: int | None = None
        self.silent = threading.Event()
        self.asked: list[dict[str, str]] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                mirror.silent.wait(0 if not mirror.headers.get("slow") else 30)
                self.send_response(mirror.status)
                self.send_header("Content-Type", mirror.media)
                self.send_header("Content-Length", str(len(mirror.body)))
                for name, value in mirror.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(mirror.body[: mirror.cut_at])
                self.close_connection = True

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/catalog"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-must-not-travel")
    monkeypatch.chdir(tmp_path)
    served = Mirror()
    thread = threading.Thread(target=served.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.silent.set()
    served.server.shutdown()
    served.server.server_close()
    thread.join()
    use_list(None)


def refresh(mirror: Mirror, *more: str) -> Result:
    arguments = ["refresh", "--source", "genai_prices", "--from", mirror.url, *more]
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def price_of_gpt_4o() -> tuple[str, str]:
    """The list price in use and the edition it comes from."""
    listed = CliRunner().invoke(command, ["list", "--text", "openai:gpt-4o", "--json"], standalone_mode=False)
    found = json.loads(listed.stdout)
    price = next(o for o in found["offers"] if o["id"] == "openai:gpt-4o")["usd_per_million"]["input"]
    return price, found["prices"]["source"]


def doubled(provider: str, model: dict[str, Any]) -> None:
    if (provider, model["id"]) == ("openai", "gpt-4o"):
        model["prices"] = {k: scaled(v, 2) for k, v in model["prices"].items()}


def test_a_good_list_is_taken_with_its_diff_and_nothing_secret_is_sent(mirror: Mirror) -> None:
    """The one price that moved is shown, used from then on, and the server saw an address and a name."""
    mirror.body = list_file(doubled)
    done = json.loads(refresh(mirror, "--json").stdout)
    jsonschema_rs.validate(schema("catalog_refresh"), done)
    assert done["written"]
    moved = {(c["offer"], c["what"], c["before"], c["after"]) for c in done["changes"] if c["kind"] == "price"}
    assert ("openai:gpt-4o", "input", "2.5", "5") in moved
    assert {offer for offer, *_ in moved} == {"openai:gpt-4o"}
    assert price_of_gpt_4o()[0] == "5"
    assert price_of_gpt_4o()[1].startswith("genai-prices, read")
    [asked] = mirror.asked
    assert (asked["path"], asked["user-agent"]) == ("/catalog/genai_prices.json", "pointsman")
    assert not {"authorization", "cookie"} & asked.keys()
    assert "must-not-travel" not in json.dumps(asked)


@pytest.mark.parametrize(
    "body, code, says",
    [
        (lambda: list_file(times_thousand), 2, "moved more than 5-fold"),
        (lambda: list_file(all_zero), 2, "became 0"),
        (lambda: list_file()[:100_000], 2, "cannot be read"),
        (lambda: b"<!DOCTYPE html><html>Rate limited</html>", 2, "HTML page"),
        (lambda: b"[]", 2, "cannot be read"),
    ],
)
def test_a_poisoned_list_is_refused_and_the_last_good_one_stays(mirror: Mirror, body: Any, code: int, says: str) -> None:
    """After a good refresh: refused with the prices that speak against it, and the good one answers with its age."""
    mirror.body = list_file(doubled)
    assert refresh(mirror).return_value == 0
    mirror.body = body()
    done = refresh(mirror)
    assert done.return_value == code
    assert "REFUSED" in done.stderr
    assert says in done.stderr
    assert "days old" in done.stderr
    assert price_of_gpt_4o()[0] == "5"


def test_prices_that_are_refused_are_shown_before_and_after(mirror: Mirror) -> None:
    """The diff of a poisoned list: offer, last good price, refused price."""
    mirror.body = list_file(times_thousand)
    done = json.loads(refresh(mirror, "--json").stdout)
    held = {(h["offer"], h["unit"]): (h["before"], h["now"]) for h in done["sources"][0]["held"]}
    assert held["openai:gpt-4o", "input"] == ("2.5", "2500")
    assert (done["written"], done["changes"]) == (False, [])


def test_a_tier_in_another_unit_is_held_back(mirror: Mirror) -> None:
    """The plain price unchanged, the price above 200,000 tokens a thousand times off."""

    def spoilt(provider: str, model: dict[str, Any]) -> None:
        price = model["prices"].get("input_mtok")
        if (provider, model["id"]) == ("google", "gemini-2.5-pro"):
            assert isinstance(price, dict)
            price["tiers"] = [t | {"price": scaled(t["price"], 1000)} for t in price["tiers"]]

    mirror.body = list_file(spoilt)
    done = json.loads(refresh(mirror, "--json").stdout)
    [held] = done["sources"][0]["held"]
    assert (held["offer"], held["unit"], held["reason"]) == ("gemini:gemini-2.5-pro", "input above 200000", "moved 1000-fold")
    assert done["changes"] == []


def test_a_web_page_said_to_be_one_is_not_read(mirror: Mirror) -> None:
    """A sign-in page with status 200."""
    mirror.body, mirror.media = b"<html>Sign in</html>", "text/html"
    done = refresh(mirror)
    assert done.return_value == 1
    assert "text/html instead of JSON" in done.stderr
    assert price_of_gpt_4o() == ("2.5", "genai-prices 0.2.3")


@pytest.mark.parametrize(
    "status, headers, says",
    [
        (404, {}, "HTTP 404"),
        (500, {}, "HTTP 500"),
        (302, {"Location": "http://127.0.0.1:1/elsewhere.json"}, "HTTP 302: it redirects, which is not followed"),
    ],
)
def test_an_answer_without_a_list_is_named(mirror: Mirror, status: int, headers: dict[str, str], says: str) -> None:
    """Exit code 1, the reason, and the bundled prices stay."""
    mirror.status, mirror.headers, mirror.body = status, headers, list_file(doubled)
    done = refresh(mirror)
    assert done.return_value == 1
    assert f"genai_prices: not reached: {says}; the last good data stays" in done.stderr
    assert len(mirror.asked) == 1
    assert price_of_gpt_4o() == ("2.5", "genai-prices 0.2.3")


def test_a_server_that_says_nothing_is_left_in_time(mirror: Mirror) -> None:
    """The limit covers the whole reading."""
    mirror.headers = {"slow": "yes"}
    done = refresh(mirror, "--timeout", "0.2")
    assert done.return_value == 1
    assert "not read within 0.2 s" in done.stderr


def test_a_body_shorter_than_promised_is_not_a_list(mirror: Mirror) -> None:
    """The connection ends in the middle."""
    mirror.body, mirror.cut_at = list_file(), 100_000
    raw, failed = fetch_sources(("genai_prices",), mirror.url)
    assert (raw, list(failed)) == ({}, ["genai_prices"])


def test_offline_nothing_is_lost(mirror: Mirror) -> None:
    """No server at all: the reason, the age of the prices in use, exit code 1."""
    mirror.url = "http://127.0.0.1:1"
    done = refresh(mirror)
    assert done.return_value == 1
    assert "the last good data stays" in done.stderr
    assert "genai-prices 0.2.3" in done.stderr
    assert "days old (2026-11-09)" in done.stderr


def test_a_mirror_that_is_not_there_is_a_mistake_to_be_named(tmp_path: Path) -> None:
    """A mistyped folder is not taken for an empty one."""
    with pytest.raises(PointsmanError, match="there is no folder"):
        fetch_sources(("litellm",), tmp_path / "nowhere")
