"""The files a project starts from."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from pointsman.app.editor_schema import schema_file
from pointsman.app.init import _FIRST_MODELS, candidates, starting_files, write_files
from pointsman.app.select import load_requirements, write_requirements
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import bundled_catalog
from pointsman.catalog.lookup import find_offer
from pointsman.providers.provider_row import load_provider


@pytest.mark.parametrize("name", ["pointsman", "eval"])
def test_an_editor_finds_the_schema_beside_the_file(tmp_path: Path, name: str) -> None:
    """The first line leads to a schema in the project, not to a path of this machine."""
    write_files(tmp_path, starting_files([], None))
    first = (tmp_path / f"{name}.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema_file(name)}"
    there = json.loads((tmp_path / schema_file(name)).read_text())
    assert there["title"] == f"{name}.yaml"


def test_needs_that_are_kept_name_their_schema_where_the_project_has_it(tmp_path: Path) -> None:
    """Elsewhere a line that leads nowhere would only mislead the editor."""
    needs = load_requirements(None, "ecommerce_support", {})
    write_requirements(tmp_path / "before.yaml", needs)
    write_files(tmp_path, starting_files([], None))
    write_requirements(tmp_path / "after.yaml", needs)
    line = f"# yaml-language-server: $schema={schema_file('requirements')}\n"
    assert (tmp_path / "after.yaml").read_text() == line + (tmp_path / "before.yaml").read_text()
    assert load_requirements(tmp_path / "after.yaml", None, {}) == needs


@pytest.mark.parametrize("provider", sorted(_FIRST_MODELS.keys() - {"ollama"}))
def test_nobody_starts_with_a_model_that_is_about_to_end(provider: str) -> None:
    """Every model `init` names answers for half a year after the catalogue was made, and is on its maker's list."""
    offer = find_offer(bundled_catalog(), _FIRST_MODELS[provider], provider)
    life = lifecycle(offer, date(2026, 11, 23), _FIRST_MODELS[provider])
    assert life.alive(date(2027, 5, 23))
    assert life.stage == "active"


def test_a_key_in_the_environment_is_a_provider_to_start_with() -> None:
    """Its name is shown, its value never."""
    variable = load_provider("deepseek").key_env[0]
    [found] = candidates({variable: "sk-value"})
    assert (found.provider, found.because) == ("deepseek", f"${variable} is set")
    assert "sk-value" not in "".join(starting_files([found], None).values())
