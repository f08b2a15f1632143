"""The ledger keeps every record exactly, once, and for as long as it is told to."""

import sqlite3
from decimal import Decimal

import msgspec
import pytest

from pointsman.core.exchange import Attempt, Cost, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.served import Served
from pointsman.core.usage import Usage
from pointsman.store.ledger import Ledger, UnfitRecordError


def served(decision, at_s=100.0, usd="0.1", **usage):
    cost = None if usd is None else Cost(usd=Decimal(usd), source="pointsman.yaml")
    broke = Failure(kind=FailureClass.TRANSIENT, message="secret words of a provider", status=503)
    tries = (Attempt(started_s=at_s, duration_s=0.1, failure=broke), Attempt(started_s=at_s, duration_s=0.2))
    exchange = Exchange(variant="v", request="r", attempts=tries, usage=Usage(**usage) if usage else None, cost=cost)
    return Served(decision=decision, at_s=at_s, protocol="openai_chat", route="chat", variant="m", exchange=exchange)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "kept" / "ledger.sqlite") as opened:
        yield opened


def test_an_empty_ledger_sums_to_nothing(ledger):
    sums = ledger.sums()
    assert (sums.requests, sums.attempts, sums.usd, sums.without_cost) == (0, 0, 0, 0)
    assert set(sums.tokens.values()) == {0}


def test_money_is_summed_without_rounding(ledger):
    """Ten thousand amounts that no binary float can hold."""
    ledger.append(served(f"d{n}", usd="0.0000001", input_tokens=1, output_tokens=n % 3) for n in range(10_000))
    assert ledger.sums().usd == Decimal("0.001")
    assert ledger.sums().tokens["output_tokens"] == sum(n % 3 for n in range(10_000))


def test_what_is_written_twice_counts_once(ledger):
    """A batch is tried again when nobody knows whether it was written."""
    ledger.append([served("a"), served("b")])
    ledger.append([served("b"), served("c")])
    assert (ledger.sums().requests, ledger.sums().attempts, ledger.sums().usd) == (3, 6, Decimal("0.3"))


def test_a_batch_is_written_whole_or_not_at_all(ledger):
    """The second record cannot be written; the first one is not kept either, nor is its name remembered as written."""
    broken = served("b", at_s=None)
    with pytest.raises(UnfitRecordError):
        ledger.append([served("a"), broken])
    assert ledger.sums().requests == 0
    ledger.append([served("a")])
    assert ledger.sums().requests == 1


def test_an_unknown_cost_is_counted_and_not_taken_for_zero(ledger):
    ledger.append([served("a", usd=None, input_tokens=3, source="estimated"), served("b", usd="0", input_tokens=3)])
    sums = ledger.sums()
    assert (sums.without_cost, sums.estimated, sums.usd) == (1, 1, 0)


def test_each_call_is_kept_with_the_variant_that_was_asked(ledger, tmp_path):
    """Of a request that fell back, the failure stands beside the one that failed."""
    one = served("a")
    first, second = one.exchange.attempts
    tries = (msgspec.structs.replace(first, variant="m"), msgspec.structs.replace(second, variant="spare"))
    ledger.append([msgspec.structs.replace(one, exchange=msgspec.structs.replace(one.exchange, attempts=tries))])
    with sqlite3.connect(tmp_path / "kept" / "ledger.sqlite") as db:
        found = db.execute(
            "select number, v.text, f.text from attempts a join names v on v.id = a.variant left join names f on f.id = a.failure"
            " order by number"
        ).fetchall()
    assert found == [(1, "m", "transient"), (2, "spare", None)]


def test_a_ledger_from_before_variants_were_kept_with_calls_goes_on(tmp_path):
    path = tmp_path / "old.sqlite"
    with Ledger(path) as made:
        made.append([served("a")])
    with sqlite3.connect(path) as db:
        db.execute("alter table attempts drop column variant")
        db.execute("pragma user_version = 1")
    with Ledger(path) as again:
        again.append([served("b")])
        assert again.sums().requests == 2
    with sqlite3.connect(path) as db:
        assert db.execute("select count(variant) from attempts").fetchone() == (0,)
        assert db.execute("pragma user_version").fetchone() == (2,)


def test_old_requests_go_with_all_that_belongs_to_them(ledger, tmp_path):
    ledger.append(served(f"d{n}", at_s=float(n)) for n in range(10))
    assert [ledger.prune(7.0, 3), ledger.prune(7.0, 3), ledger.prune(7.0, 3), ledger.prune(7.0, 3)] == [3, 3, 1, 0]
    with sqlite3.connect(tmp_path / "kept" / "ledger.sqlite") as db:
        assert [d for (d,) in db.execute("select decision from requests order by decision")] == ["d7", "d8", "d9"]
        assert db.execute("select count(*) from attempts").fetchone() == (6,)
    assert ledger.prune(100.0) == 3


def test_no_words_of_anybody_are_kept(ledger, tmp_path):
    ledger.append([served("a")])
    ledger.close()
    assert not any(b"secret words" in path.read_bytes() for path in (tmp_path / "kept").iterdir())


def test_a_reopened_ledger_goes_on_and_repeats_no_name(ledger, tmp_path):
    ledger.append([served("a")])
    ledger.close()
    with Ledger(tmp_path / "kept" / "ledger.sqlite") as again:
        again.append([served("b")])
        assert again.sums().requests == 2
    with sqlite3.connect(tmp_path / "kept" / "ledger.sqlite") as db:
        texts = [t for (t,) in db.execute("select text from names")]
    assert len(texts) == len(set(texts))
