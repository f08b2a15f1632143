"""An error in a user's file names file, line, key, value, and what was probably meant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from pointsman.app.yaml_file import convert, read_yaml, substitute
from pointsman.core.failure import ConfigError


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    params: dict[str, Any] = {}
    n: Annotated[int, msgspec.Meta(ge=1)] = 1


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    variants: dict[str, Inner | None]
    things: list[Inner] = []
    concurrency: int = 3


def error_for(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> ConfigError:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        convert(substitute(read_yaml(path), env or {}), Outer)
    return caught.value


@pytest.mark.parametrize(
    "text, line, key, words",
    [
        (
            "variants:\n  a: {provider: x}\n  b:\n    provider: y\n    paramz: 3\n",
            5,
            "variants.b.paramz",
            "did you mean `params`",
        ),
        ("variants:\n  a: {provider: x}\n  b:\n    n: 2\n", 3, "variants.b.provider", "is missing"),
        ("variants: {a: {provider: x, n: many}}\n", 1, "variants.a.n", "expected `int`, got `str` (got 'many')"),
        ("variants: {}\nconcurency: 3\n", 2, "concurency", "did you mean `concurrency`"),
        ("variants: {}\nvariants: {}\n", 2, "variants", "given twice"),
        ("variants: {a: {provider: x, provider: y}}\n", 1, "variants.a.provider", "given twice"),
        ("variants:\n  a: {provider: x, n: 0}\n", 2, "variants.a.n", ">= 1"),
        ("variants: {}\nthings:\n- provider: x\n- {provider: y, oops: 1}\n", 4, "things.1.oops", "unknown key"),
        ("variants: 7\n", 1, "variants", "expected `object`, got `int` (got 7)"),
        ("a: [\n", 2, None, "not valid YAML"),
        ("variants: {{a: b}}\n", 1, "variants", "a key must be text"),
        ("", None, None, "is empty"),
        ("variants: {}\nconcurrency: !!python/object:os.system x\n", 2, None, "not valid YAML"),
    ],
)
def test_the_message_points_at_the_mistake(tmp_path, text, line, key, words):
    error = error_for(tmp_path, text)
    assert error.line == line
    assert error.key == key
    assert words in f"{error.message} {error.hint}"
    assert str(tmp_path / "f.yaml") in error.message


class Keyed(msgspec.Struct, forbid_unknown_fields=True):
    key: str | None = None
    keys: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    inner: dict[str, Inner] = {}
    concurrency: int = 3


@pytest.mark.parametrize(
    "text, key",
    [
        ("key: [SECRET]\n", "key"),
        ("key: {env: SECRET}\n", "key"),
        ("keys: SECRET\n", "keys"),
        ("keys: [1234, SECRET]\n", "keys.0"),
        ("headers: SECRET\n", "headers"),
        ("headers: {a: [SECRET]}\n", "headers.a"),
        ("inner: {a: SECRET}\n", "inner.a"),
        ("concurrency: [SECRET]\n", "concurrency"),
        ("key: !SECRET x\n", None),
        ("key: *SECRET\n", None),
        ("key: &SECRET x\nkeys: [*SECRET]\nconcurrency: {}\n", "concurrency"),
        ("key: &SECRET x\nkeys: [&SECRET y]\n", None),
        ("key: 'SECRET\n", None),
        ("key: x\nkey: SECRET\n", "key"),
    ],
)
def test_what_may_be_a_secret_is_never_quoted(tmp_path, text, key):
    """Errors are logged; a key that was given in the wrong form must not be."""
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        convert(substitute(read_yaml(path), {}), Keyed)
    assert caught.value.key == key
    assert caught.value.line is not None
    assert "SECRET" not in f"{caught.value.message} {caught.value.hint} {caught.value.value}"


def test_a_missing_variable_is_named_with_the_place_that_wants_it(tmp_path):
    error = error_for(tmp_path, "variants:\n  a:\n    provider: ${NO_SUCH_KEY}\n")
    assert (error.line, error.key) == (3, "variants.a.provider")
    assert "NO_SUCH_KEY" in error.message


def test_variables_are_put_in_and_can_be_escaped(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("variants: {a: {provider: 'x-${WHO}-$${WHO}'}}\n")
    found = convert(substitute(read_yaml(path), {"WHO": "me"}), Outer)
    assert found.variants["a"] == Inner(provider="x-me-${WHO}")


def test_an_absent_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path / "none.yaml")
    assert "pointsman init" in (caught.value.hint or "")


def test_anchors_and_merges_work(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("variants:\n  a: &base {provider: x, n: 2}\n  b:\n    <<: *base\n    n: 3\n")
    found = convert(read_yaml(path), Outer)
    assert found.variants["b"] == Inner(provider="x", n=3)


def test_a_word_that_is_none_of_the_known_names_the_nearest_and_all(tmp_path: Path):
    class Choice(msgspec.Struct):
        inner: dict[str, Annotated[Literal["one", "two"], "documented"] | None]

    path = tmp_path / "f.yaml"
    path.write_text("inner:\n  a: tow\n")
    with pytest.raises(ConfigError) as caught:
        convert(read_yaml(path), Choice)
    assert (caught.value.line, caught.value.value) == (2, "tow")
    assert caught.value.hint == "did you mean `two`? known: one, two"
