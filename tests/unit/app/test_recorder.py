"""Records wait while the disk refuses, one bad record costs no other, and nothing is written or lost twice."""

import asyncio
import sqlite3
import time
from decimal import Decimal

import msgspec
import pytest

from pointsman.app import recorder as recorder_module
from pointsman.app.config import ProjectSpec
from pointsman.app.gateway_spec import GatewaySpec, StoreSpec
from pointsman.app.recorder import Recorder
from pointsman.core.exchange import Cost, Exchange
from pointsman.core.failure import StorageError
from pointsman.core.served import Served
from pointsman.core.usage import Usage
from pointsman.store.ledger import Ledger
from pointsman.telemetry.metrics import Metrics


def served(number, tokens=1):
    exchange = Exchange(
        variant="v", request="r", usage=Usage(input_tokens=tokens), cost=Cost(usd=Decimal("0.25"), source="pointsman.yaml")
    )
    return Served(decision=f"d{number:05}", at_s=1e12, protocol="openai_chat", exchange=exchange)


@pytest.fixture
def said():
    return []


@pytest.fixture
def opened(tmp_path, said):
    project = ProjectSpec(gateway=GatewaySpec(access_log="access.jsonl"), store=StoreSpec(ledger="ledger.sqlite"))
    with Recorder(project, tmp_path, Metrics(), said.append) as recorder:
        yield recorder


def kept(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        return ledger.sums().requests


def test_the_last_write_and_a_write_under_way_do_not_meet(opened, tmp_path, said):
    """A stop in the middle of a write: each batch is taken out of the queue by the one who wrote it."""

    async def stop_while_writing():
        await opened.take([served(n) for n in range(5_000)])
        writing = asyncio.create_task(opened._write())
        await asyncio.sleep(0)  # it has handed its first batch to the thread
        await opened.finish()
        await writing

    asyncio.run(stop_while_writing())
    assert kept(tmp_path) == 5_000
    assert len((tmp_path / "access.jsonl").read_bytes().splitlines()) == 5_000
    assert said == []


def test_what_no_column_holds_is_named_and_costs_no_other_record(opened, tmp_path, said):
    async def write():
        await opened.take([served(1), served(2, tokens=2**70), served(3)])
        await opened.finish()

    asyncio.run(write())
    assert kept(tmp_path) == 2
    assert opened._metrics.unfit == 1
    (complaint,) = said
    assert "d00002" in complaint


def test_a_disk_that_refuses_is_told_once_and_tried_again(opened, tmp_path, said, monkeypatch):
    refusing = True
    real = Ledger.append

    def append(ledger, batch):
        if refusing:
            raise StorageError("the disk is full")
        real(ledger, batch)

    monkeypatch.setattr(Ledger, "append", append)

    async def fill_and_free():
        nonlocal refusing
        await opened.take([served(n) for n in range(10)])
        assert not await opened._write()
        assert not await opened._write()
        assert (opened.trouble, opened._metrics.unwritten) == ("the disk is full", 10)
        refusing = False
        assert await opened._write()
        assert (opened.trouble, opened._metrics.unwritten) == (None, 0)

    asyncio.run(fill_and_free())
    assert said == ["records cannot be written and wait: the disk is full", "records can be written again"]
    assert kept(tmp_path) == 10


def test_too_many_that_wait_hold_back_the_workers_until_the_end_is_near(opened, said, monkeypatch):
    """Held back, their rings drop and count; at the end everything is taken in, and the loss is told with its sum."""
    monkeypatch.setattr(recorder_module, "_MOST_WAITING", 4)

    def append(_ledger, _batch):
        raise StorageError("the disk is full")

    monkeypatch.setattr(Ledger, "append", append)

    async def overfill():
        await opened.take([served(n) for n in range(5)])
        held = asyncio.create_task(opened.take([served(5)]))
        await asyncio.sleep(0)
        assert not held.done()
        opened.hurry()
        await held
        await opened.take([served(6)])
        await opened.finish()

    asyncio.run(overfill())
    assert said[-1] == "7 records of 1.75 USD in all could not be written and are lost: the disk is full"


def test_a_log_that_refuses_keeps_no_record_from_the_ledger(opened, tmp_path, said, monkeypatch):
    def append(_log, _lines):
        raise StorageError("no room for words")

    monkeypatch.setattr("pointsman.app.log_file.LogFile.append", append)

    async def write():
        await opened.take([served(n) for n in range(3)])
        await opened.finish()

    asyncio.run(write())
    assert kept(tmp_path) == 3
    assert opened._metrics.unlogged == 3
    assert said == ["requests are not logged: no room for words"]


@pytest.mark.parametrize("days, left", [(1.0, ["d00002"]), (None, ["d00001", "d00002"])])
def test_what_is_older_than_it_may_be_is_deleted_at_the_start_and_then_by_the_hour(tmp_path, monkeypatch, days, left):
    """Deleted in pieces, between which new records are written; nothing is, where all is to be kept."""
    monkeypatch.setattr(recorder_module, "_WRITE_EVERY_S", 0.001)
    now_s = time.time()
    project = ProjectSpec(store=StoreSpec(ledger="ledger.sqlite", retention_days=days))
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        old = msgspec.structs.replace(served(1), at_s=now_s - 1.01 * 86_400)
        ledger.append([old, msgspec.structs.replace(served(2), at_s=now_s - 0.99 * 86_400)])

    async def run_a_while():
        with Recorder(project, tmp_path, Metrics(), [].append) as recorder:
            running = asyncio.create_task(recorder.run())
            while recorder._pruned_s is None:  # noqa: ASYNC110  # it is no event to anybody but this test
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
            await asyncio.wait([running], timeout=0.2)
            running.cancel()

    asyncio.run(run_a_while())
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        assert [d for (d,) in db.execute("select decision from requests order by decision")] == left
