"""`pointsman catalog` as a user meets it: offline, without a key."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from pointsman.catalog.price_list import use_list
from pointsman.cli.catalog import command
from pointsman.core.failure import StorageError
from pointsman.report.document import schema


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    yield
    use_list(None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), standalone_mode=False, catch_exceptions=False)


def document(verb: str, *arguments: str) -> Any:
    """What `--json` prints, which has to keep the published schema."""
    found = json.loads(run(verb, *arguments, "--json").stdout)
    jsonschema_rs.validate(schema(f"catalog_{verb}"), found)
    return found


@pytest.mark.parametrize("name", command.commands)
def test_every_command_has_a_published_document(name: str) -> None:
    """`--json` is a contract wherever it is offered."""
    assert schema(f"catalog_{name}")["title"] == f"pointsman catalog {name} --json"


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--all"),
        ("show", "gemini-2.5-pro"),
        ("show", "BloombergGPT"),
        ("compare", "GPT-4", "Llama 3.1 405B", "starcoder2-15b", "gemini-3.8-flash"),
        ("watch", "--model", "gemini:gemini-2.5-pro", "--model", "openai:gpt-4", "--model", "acme:nothing"),
    ],
)
def test_whatever_is_asked_for_keeps_the_schema(arguments: tuple[str, ...]) -> None:
    """Tiers, reroutes, dead models, models without an offer, names nobody knows."""
    assert document(*arguments)["prices"]["source"].startswith("genai-prices")


def test_list_filters_and_tells_the_age_of_prices_offline() -> None:
    """No network, no key: the offers and how old their prices are."""
    result = run("list", "--text", "gpt-6", "--provider", "openai", "--as-of", "2026-11-23")
    assert "openai:gpt-6-luna" in result.stdout
    assert "genai-prices 0.2.3, 14 days old (2026-11-09)" in result.stderr
    found = document("list", "--text", "gpt-6", "--provider", "openai", "--as-of", "2026-11-23")
    assert found["prices"] == {"source": "genai-prices 0.2.3", "checked_on": "2026-11-09", "age_days": 14}
    luna = next(o for o in found["offers"] if o["id"] == "openai:gpt-6-luna")
    assert luna["usd_per_million"]["input"] == "0.1"
    assert luna["facts"]["context_tokens"]["source"]


def test_list_hides_the_dead_unless_asked() -> None:
    """GPT-4 is gone today, was there in 2024, and can still be looked at."""

    def names(*more: str) -> set[str]:
        return {o["id"] for o in document("list", "--provider", "openai", "--text", "gpt-4", *more)["offers"]}

    assert "openai:gpt-4" not in names("--as-of", "2026-11-23")
    assert "openai:gpt-4" in names("--as-of", "2024-10-01")
    assert "openai:gpt-4" in names("--as-of", "2026-11-23", "--all")
    assert "category/radiology" in document("list", "--kind", "medical", "--all")["models_without_offer"]


def test_show_cites_every_fact() -> None:
    """Each fact has a source and a date; the note corrects the guide."""
    shown = document("show", "GPT-4")
    assert shown["facts"]["context_tokens"]["value"] == 8192
    assert all(f["source"] and f["checked_on"] for f in shown["facts"].values())
    assert "GPT-4 Turbo" in shown["note"]
    text = run("show", "gpt-4").stdout
    assert "humaneval" in text
    assert "2026-10-23" in text


def test_compare_shows_stars_and_their_evidence() -> None:
    """Stars with what they rest on; unknown stays a question mark."""
    result = run("compare", "claude-3-opus", "gpt-6.1-sol", "--evidence")
    assert "★" in result.stdout
    assert "?" in result.stdout
    assert "beats" in result.stdout
    rows = document("compare", "claude-3-opus", "gpt-6.1-sol")["rows"]
    assert rows[0]["stars"]["code"]["evidence"][0]["benchmark"]
    assert "unknown" in rows[1]["stars"]["code"]


def test_watch_reads_the_project_and_answers_with_its_exit_code(tmp_path: Path) -> None:
    """2 for what ends, 0 for what lasts, 3 for what nobody knows."""
    (tmp_path / "pointsman.yaml").write_text(
        "variants:\n  old: {provider: openai, model: gpt-4o}\n  taped: {provider: replay, model: a/b, answers: x.jsonl}\n"
    )
    result = run("watch", "--as-of", "2026-11-23")
    assert result.return_value == 2
    assert "old: gpt-4o stops in 52 days" in result.stdout
    assert "taped" not in result.stdout
    (tmp_path / "pointsman.yaml").unlink()
    assert run("watch", "--model", "openai:gpt-6.1-sol", "--as-of", "2026-11-23").return_value == 0
    assert run("watch", "--model", "acme:x", "--as-of", "2026-11-23").return_value == 3


def test_watch_reports_a_price_move() -> None:
    """gpt-5.6-sol fell in August 2026."""
    alerts = document("watch", "--model", "openai:gpt-5.6-sol", "--as-of", "2026-11-23", "--since", "2026-07-01")["alerts"]
    assert [(a["kind"], a["urgent"]) for a in alerts] == [("price", False)]
    assert "-29%" in alerts[0]["message"]


def _mirror(tmp_path: Path, content: bytes) -> str:
    folder = tmp_path / "mirror"
    folder.mkdir(exist_ok=True)
    (folder / "openrouter.json").write_bytes(content)
    return str(folder)


def test_refresh_takes_diffs_and_keeps(tmp_path: Path) -> None:
    """A new offer arrives from a mirror, is shown by diff, and is in the list from then on."""
    rows = {
        "data": [{"id": "acme/new-model", "context_length": 9000, "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]
    }
    mirror = _mirror(tmp_path, json.dumps(rows).encode())
    dry = document("refresh", "--source", "openrouter", "--from", mirror, "--dry-run")
    assert (dry["written"], dry["changes"][0]["offer"]) == (False, "openrouter:acme/new-model")
    assert not (tmp_path / "cache").exists()
    done = run("refresh", "--source", "openrouter", "--from", mirror)
    assert done.return_value == 0
    assert [c["offer"] for c in document("diff")["changes"]] == ["openrouter:acme/new-model"]
    assert document("list", "--text", "acme/new-model")["count"] == 1


@pytest.mark.parametrize("content", [b"<html>blocked</html>", b'{"data": [', b"", b'{"data": []}'])
def test_a_broken_refresh_is_refused_and_changes_nothing(tmp_path: Path, content: bytes) -> None:
    """Exit code 2, nothing written, the last good data stays."""
    result = run("refresh", "--source", "openrouter", "--from", _mirror(tmp_path, content))
    assert result.return_value == 2
    assert "REFUSED" in result.stderr
    assert not (tmp_path / "cache").exists()


def test_a_damaged_copy_on_disk_is_named_with_the_way_back(tmp_path: Path) -> None:
    """A half-written file of another time is an error that says what to remove."""
    folder = tmp_path / "cache" / "catalog"
    folder.mkdir(parents=True)
    (folder / "offers.jsonl").write_text('{"provider": "x"')
    (folder / "sources.jsonl").write_text("")
    with pytest.raises(StorageError) as caught:
        run("list", "--text", "gpt-4o")
    assert str(folder) in (caught.value.hint or "")


def test_a_newer_package_wins_over_an_older_refresh(tmp_path: Path) -> None:
    """What was refreshed before the package was built is not dug out again."""
    folder = tmp_path / "cache" / "catalog"
    folder.mkdir(parents=True)
    old = {"provider": "openai", "name": "gpt-4o", "usd_per_million": {"input": "99", "output": "99"}}
    source = {"key": "litellm", "name": "litellm", "checked_on": "2025-01-01", "licence": "MIT", "layer": "refreshed"}
    (folder / "offers.jsonl").write_text(json.dumps(old) + "\n")
    (folder / "sources.jsonl").write_text(json.dumps(source) + "\n")
    found = document("list", "--text", "openai:gpt-4o", "--as-of", "2026-11-23")["offers"]
    assert next(o for o in found if o["id"] == "openai:gpt-4o")["usd_per_million"]["input"] == "2.5"


def test_an_unreachable_source_is_an_error_that_keeps_the_data(tmp_path: Path) -> None:
    """Nothing fetched is exit code 1, and says what stays."""
    result = run("refresh", "--source", "litellm", "--from", str(tmp_path))
    assert result.return_value == 1
    assert "the last good data stays" in result.stderr


def test_refreshed_prices_are_used_for_calls(tmp_path: Path) -> None:
    """A refreshed price list answers `cost call`, and a held price still comes from the bundled one."""
    from pointsman.catalog.prices import bundled_list
    from pointsman.cli.cost import command as cost

    rows = []
    for provider in bundled_list().providers:
        models = []
        for m in provider.models:
            price = {"input_mtok": "1", "output_mtok": "2"} if (provider.id, m.id) == ("openai", "gpt-4o-mini") else None
            keep = {} if price is None else price
            models.append({"id": m.id, "match": {"equals": m.id}, "prices": keep or _plain(m)})
        rows.append({"id": provider.id, "name": provider.name, "api_pattern": provider.api_pattern, "models": models})
    for provider in rows:
        for model in provider["models"]:
            if (provider["id"], model["id"]) == ("openai", "gpt-4o-mini"):
                model["prices"] = {"input_mtok": "0.10", "output_mtok": "0.40"}
            if (provider["id"], model["id"]) == ("openai", "gpt-4.1"):
                model["prices"] = {"input_mtok": "2000", "output_mtok": "8000"}
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "genai_prices.json").write_bytes(json.dumps(rows).encode())
    refreshed = document("refresh", "--source", "genai_prices", "--from", str(folder))
    assert {h["offer"] for h in refreshed["sources"][0]["held"]} == {"openai:gpt-4.1"}

    def call(model: str) -> Any:
        arguments = ["call", model, "--provider", "openai", "--input", "1000000", "--json"]
        return json.loads(CliRunner().invoke(cost, arguments, standalone_mode=False, catch_exceptions=False).stdout)

    mini, held = call("gpt-4o-mini"), call("gpt-4.1")
    assert (mini["usd"], mini["source"].startswith("genai-prices, read")) == ("0.1", True)
    assert (held["usd"], held["source"]) == ("2", "genai-prices 0.2.3")


def _plain(model: Any) -> dict[str, Any]:
    from datetime import UTC, datetime

    found: dict[str, Any] = {}
    for key, value in model.get_prices(datetime(2026, 11, 23, 12, tzinfo=UTC)).__dict__.items():
        if value is not None:
            steps = [{"start": t.start, "price": str(t.price)} for t in getattr(value, "tiers", ())]
            found[key] = {"base": str(value.base), "tiers": steps} if steps else str(value)
    return found
