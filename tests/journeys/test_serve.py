"""`pointsman serve` as a process: what it records, how it reloads, stops, and goes on when something breaks."""

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import sys
import threading
from decimal import Decimal
from pathlib import Path

import openai
import pytest

from support.command import pointsman
from support.gateway import PRICE, variant
from support.scripted_server import scripted_server
from support.serving import names, serving, until, with_admin, write_config

USER = [{"role": "user", "content": "hello there, gateway"}]


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(script={"output_tokens": 40, "price": _scripted_price()}, seed=4) as running:
        yield running


def _scripted_price():
    return {
        "input_usd_per_million": PRICE["input"],
        "output_usd_per_million": PRICE["output"],
        "cache_read_usd_per_million": PRICE["cache_read"],
    }


def config(upstream, *, model="m", **gateway):
    variants = {"old": variant(upstream.base_url, model=model), "new": variant(upstream.base_url, model="n")}
    routes = {"chat": {"variant": "old", "retries": 2}, "both": {"policy": {"weighted": {"weights": {"old": 1, "new": 1}}}}}
    return with_admin({"variants": variants, "routes": routes}, **gateway)


def client(running, **more):
    return openai.OpenAI(base_url=running.openai_url, api_key="unused", max_retries=0, timeout=30, **more)


def ask(running, **more):
    with client(running) as sdk:
        return sdk.chat.completions.create(model="chat", messages=USER, **more)


def test_a_call_is_answered_recorded_logged_and_counted(tmp_path, upstream):
    """One retried call: its row has the provider's tokens, the exact cost and where the price came from."""
    with serving(tmp_path, config(upstream, access_log="access.jsonl")) as running:
        upstream.arm("503", model="m")
        reply = ask(running)
        (row,) = until(running.rows, "the row")
        texts = names(tmp_path / ".pointsman" / "ledger.sqlite")
        assert (row["input_tokens"], row["output_tokens"]) == (reply.usage.prompt_tokens, reply.usage.completion_tokens)
        expected = (reply.usage.prompt_tokens * Decimal("1.25") + reply.usage.completion_tokens * Decimal(10)) / 1_000_000
        assert Decimal(row["usd"]) == expected
        assert (row["status"], row["usage_estimated"], row["usd_complete"]) == (200, 0, 1)
        assert [texts[row[c]] for c in ("route", "variant", "price_source")] == ["chat", "old", "pointsman.yaml"]
        with contextlib.closing(sqlite3.connect(tmp_path / ".pointsman" / "ledger.sqlite")) as db:
            tries = db.execute("select number, failure, status from attempts order by number").fetchall()
        assert [(n, texts.get(f), s) for n, f, s in tries] == [(1, "transient", 503), (2, None, None)]

        line = json.loads(until((tmp_path / "access.jsonl").read_text, "the log's line"))
        assert (line["decision"], line["attempts"], line["usd"]) == (row["decision"], 2, row["usd"])
        assert running.metric("pointsman_requests_total", route="chat", status="200") == 1
        assert running.metric("pointsman_attempt_failures_total", failure="transient") == 1
        assert Decimal(str(running.metric("pointsman_cost_usd_total"))) == expected
        assert running.health()["ledger"] == "ok"
        for key in (None, "wrong"):
            assert running.admin("/metrics", key=key)[0] == 401
            assert running.admin("/reload", method="POST", key=key)[0] == 401
    for path in ("access.jsonl", ".pointsman/ledger.sqlite"):
        assert (tmp_path / path).stat().st_mode & 0o077 == 0, "others may not read what was asked"
        assert b"sk-upstream-secret" not in (tmp_path / path).read_bytes()


def test_a_good_configuration_is_taken_by_all_workers_and_a_bad_one_by_none(tmp_path, upstream):
    with serving(tmp_path, config(upstream), workers=2) as running:
        first = running.snapshot
        running.write(config(upstream, model="changed"))
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.health()["snapshot"] != first, "the reload")
        health = until(lambda: (h := running.health())["status"] == "ok" and h, "all workers")
        second = health["snapshot"]
        assert [w["snapshot"] for w in health["workers"]] == [second, second]
        assert ask(running).model == "changed"

        broken = config(upstream)
        broken["routes"]["chat"]["variant"] = "odl"
        running.write(broken)
        running.process.send_signal(signal.SIGHUP)
        until(lambda: "did you mean 'old'?" in running.said(), "the complaint")
        status, answer = running.admin("/reload", method="POST")
        assert (status, answer["kept"]) == (409, second)
        assert "routes.chat" in answer["error"]
        health = running.health()
        assert (health["status"], health["snapshot"]) == ("ok", second), "it serves on"
        assert health["config"].startswith("refused")
        assert "routes.chat" in health["config"]
        assert running.metric("pointsman_reload_failures_total") == 2
        assert ask(running).model == "changed"

        running.write(config(upstream, model="third", port=1))
        status, answer = running.admin("/reload", method="POST")
        assert status == 200
        health = running.health()
        assert (health["config"], health["snapshot"]) == ("ok", answer["snapshot"])
        assert health["waiting_for_restart"] == ["gateway.port"], "what cannot change is not passed over in silence"
        assert ask(running).model == "third"


def test_a_stop_lets_requests_under_way_end_and_writes_their_records(tmp_path, upstream):
    """A stream that has begun and an answer still awaited; whoever comes after the stop is refused at once."""
    setup = config(upstream, model="m+slow;per_token_s=0.04", drain_s=20)
    with serving(tmp_path, setup, workers=2) as running, client(running) as sdk:
        ended = []
        whole = threading.Thread(target=lambda: ended.append(sdk.chat.completions.create(model="chat", messages=USER)))
        whole.start()
        stream = sdk.chat.completions.create(model="chat", messages=USER, stream=True)
        first = next(iter(stream))
        until(lambda: sum(w["in_flight"] for w in running.health()["workers"]) == 2, "both on their way")
        running.process.send_signal(signal.SIGTERM)
        host, port = running.base_url.removeprefix("http://").split(":")

        def refused():
            try:
                socket.create_connection((host, int(port)), timeout=5).close()
            except ConnectionRefusedError:
                return True
            return False

        until(refused, "new connections refused")
        text = (first.choices[0].delta.content or "") + "".join(c.delta.content or "" for chunk in stream for c in chunk.choices)
        whole.join(30)
        assert running.process.wait(30) == 0
        assert len(text) >= 40
        assert ended[0].choices[0].message.content
        rows = running.rows()
        assert [(r["status"], r["output_tokens"], r["usage_estimated"]) for r in rows] == [(200, 40, 0), (200, 40, 0)]


def test_a_killed_worker_is_replaced_and_a_killed_supervisor_leaves_no_worker(tmp_path, upstream):
    with serving(tmp_path, config(upstream), workers=2) as running:
        before = running.workers()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: running.metric("pointsman_worker_restarts_total") == 1, "the count")
        until(lambda: len(running.workers()) == 2 and before[0] not in running.workers(), "the replacement")
        for _ in range(6):  # connections spread over both
            assert ask(running).choices
        until(lambda: len(running.rows()) == 6, "six rows")
        assert "ended unasked" in running.said()
        left = running.workers()
        running.process.kill()
        running.process.wait(10)
        until(lambda: not any(_runs(pid) for pid in left), "workers gone")


def test_workers_whose_supervisor_was_killed_say_so_in_one_line_each(tmp_path, upstream):
    """Also with a request under way, whose record nobody is left to take: no traceback, and the request is answered."""
    with serving(tmp_path, config(upstream, model="m+slow;per_token_s=0.03"), workers=2) as running:
        left = running.workers()
        with client(running) as sdk, sdk.chat.completions.create(model="chat", messages=USER, stream=True) as stream:
            next(iter(stream))
            running.process.kill()
            running.process.wait(10)
            assert [c.choices[0].finish_reason for c in stream if c.choices][-1] == "stop"
        until(lambda: not any(_runs(pid) for pid in left), "workers gone")
        lines = running.said(after_end=True).splitlines()
        assert sorted(lines) == [
            f"worker {n}: its supervisor ended abruptly, so it ends too; the records of its last requests are lost"
            for n in (0, 1)
        ]


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_address_in_use_is_one_clear_error(tmp_path, upstream):
    """Also where the other one is a gateway with several workers, whose sockets the system would let us share."""
    with serving(tmp_path, config(upstream), workers=2) as running:
        port = running.base_url.rpartition(":")[2]
        for workers in ("1", "2"):
            ran = pointsman("serve", "--port", port, "--workers", workers, cwd=tmp_path)
            assert (ran.code, ran.out) == (1, "")
            assert f"cannot listen on 127.0.0.1:{port}" in ran.err
            assert "--port" in ran.err
            assert "Traceback" not in ran.err


def test_a_ledger_that_cannot_be_used_is_one_clear_error(tmp_path, upstream):
    """No folder, no SQLite file, somebody else's database, a later version's ledger: named, and left as they were."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "text.sqlite").write_text("this is no database at all, and long enough to be seen as none" * 20)
    for name, said in (("foreign", "create table theirs (x)"), ("later", "pragma user_version = 99")):
        with contextlib.closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as db:
            db.execute(said)
    for name, words in {
        "file/ledger.sqlite": "file",
        "text.sqlite": "no SQLite file",
        "foreign.sqlite": "written by something else",
        "later.sqlite": "a later version of pointsman",
    }.items():
        before = (tmp_path / name).read_bytes() if name.endswith(".sqlite") and "/" not in name else None
        write_config(tmp_path, {**config(upstream), "store": {"ledger": name}})
        ran = pointsman("serve", "--for-s", "1", "--workers", "1", cwd=tmp_path)
        assert (ran.code, ran.out) == (1, ""), name
        assert words in ran.err
        assert "Traceback" not in ran.err
        if before is not None:
            assert (tmp_path / name).read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is set by prlimit")
def test_a_full_disk_keeps_nobody_from_being_served_and_loses_no_record(tmp_path, upstream):
    """Records wait and `/health` says so; when there is room again they are written."""
    with serving(tmp_path, config(upstream, access_log="access.jsonl")) as running:
        ask(running)
        until(running.rows, "the first row")
        _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1, hard))
        for _ in range(5):
            assert ask(running).choices
        until(lambda: running.health()["ledger"] != "ok", "the trouble")
        assert until(lambda: running.metric("pointsman_unwritten_records") == 5, "five that wait")
        assert "records cannot be written and wait" in running.said()
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: len(running.rows()) == 6, "all rows")
        until(lambda: running.health()["ledger"] == "ok", "the end of the trouble")
        assert running.metric("pointsman_unwritten_records") == 0
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1, hard))
        ask(running)
        until(lambda: running.health()["ledger"] != "ok", "trouble again")
        assert running.stop() == 0
        (row,) = running.rows()[:1]
        assert f"1 records of {row['usd']} USD in all could not be written and are lost" in running.said(after_end=True)
        lines = [json.loads(line)["decision"] for line in (tmp_path / "access.jsonl").read_text().splitlines()]
        assert len(lines) == len(set(lines)) == 6, "what was tried again is logged once"
