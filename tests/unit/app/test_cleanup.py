"""The patch that a finished migration leaves: it does what it says, and keeps the rest of the file as it was."""

import subprocess

import pytest

from pointsman.app.cleanup import cleanup, without_keys
from pointsman.app.config import load_project

PLAIN = """\
# our models
variants:
  old: {provider: openai, model: gpt-4o}   # in service since spring
  # the one that came
  new:
    provider: openai
    model: gpt-4o-mini
routes:
  support:
    variant: old   # the one in service
    fallbacks: [old, new]
    retries: 2
"""


def tidied(tmp_path, text, route="support"):
    path = tmp_path / "pointsman.yaml"
    path.write_text(text)
    found = cleanup(path, load_project(path, {}), route, "old", "new")
    if found.patch:
        (tmp_path / "x.patch").write_text(found.patch)
        subprocess.run(["patch", "-p0", "-i", "x.patch"], cwd=tmp_path, check=True, capture_output=True)
    return found, path


def test_the_route_names_the_candidate_and_the_baseline_goes_with_its_lines(tmp_path):
    _, path = tidied(tmp_path, PLAIN)
    assert (
        path.read_text()
        == """\
# our models
variants:
  # the one that came
  new:
    provider: openai
    model: gpt-4o-mini
routes:
  support:
    variant: new   # the one in service
    fallbacks: []
    retries: 2
"""
    )
    project = load_project(path, {})
    assert (project.routes["support"].variant, list(project.variants)) == ("new", ["new"])


def test_block_lists_and_other_fallbacks_stay_whole(tmp_path):
    text = PLAIN.replace("    fallbacks: [old, new]\n", "    fallbacks:\n      - old\n      - spare\n").replace(
        "  new:\n", "  spare: {provider: openai, model: gpt-4.1}\n  new:\n"
    )
    _, path = tidied(tmp_path, text)
    project = load_project(path, {})
    assert project.routes["support"].fallbacks == ("spare",)
    assert project.routes["support"].retries == 2


def test_a_baseline_that_another_route_uses_is_kept_and_said(tmp_path):
    found, path = tidied(tmp_path, PLAIN + "  sales: {variant: old}\n")
    assert any("route sales still uses old" in line for line in found.by_hand)
    assert "old" in load_project(path, {}).variants


def test_without_routes_only_a_person_can_do_it(tmp_path):
    found, _ = tidied(tmp_path, PLAIN[: PLAIN.index("routes:")], route="old")
    assert found.patch == ""
    assert "routes: {old: {variant: new}}" in found.by_hand[0]


def test_what_is_done_already_needs_no_patch(tmp_path):
    _, path = tidied(tmp_path, PLAIN)
    assert cleanup(path, load_project(path, {}), "support", "old", "new").patch == ""


@pytest.mark.parametrize(
    "text",
    ["variants: {old: {provider: openai, model: a}, new: {provider: openai, model: b}}\nroutes: {support: {variant: old}}"],
)
def test_flow_style_and_a_missing_last_newline_are_managed(tmp_path, text):
    _, path = tidied(tmp_path, text)
    assert load_project(path, {}).routes["support"].variant == "new"


def test_a_key_in_the_file_stays_in_the_patch_and_out_of_what_is_shown(tmp_path):
    text = PLAIN.replace("model: gpt-4o}", 'model: gpt-4o, key: "sk-mine"}')
    found, _ = tidied(tmp_path, text)
    assert "sk-mine" in found.patch
    assert "sk-mine" not in without_keys(found.patch)
    assert "${OPENAI_API_KEY}" in without_keys("key: ${OPENAI_API_KEY}")
