"""What a user says about a test set: where it is and which column means what."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

__all__ = ["FileFormat", "TestsSpec"]

FileFormat = Literal["jsonl", "json", "csv", "tsv", "yaml", "parquet"]


class TestsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The `tests:` part of `eval.yaml`.

    A column is named by its key; `a.b` also finds `b` inside the object `a`. A column that is not
    named has its own name as default (`id`, `input`, `messages`, `target`, `tags`, `cluster`,
    `edge`, `choices`, `tools`, `output_schema`) and may then be absent; one that is named must be there.
    """

    __test__: ClassVar[bool] = False  # pytest would otherwise take the class for a test

    file: str
    """Path, relative to the file that names it."""
    format: FileFormat | None = None
    """By the file's suffix if not given. A further `.gz` is read as gzip."""
    encoding: str = "utf-8"
    """Of text formats. A byte-order mark is removed."""
    rows: str | None = None
    """In `.json` and `.yaml`: where in the document the list of rows is, such as `data.examples`."""

    id: str | None = None
    """Column of the case's name. Without one, the hash of what is asked and what is right names it."""
    input: str | None = None
    """Column of the prompt: text, or a list of chat messages."""
    messages: str | None = None
    """Column of a chat: messages as chat APIs write them (`{role, content}`)."""
    template: str | None = None
    """The prompt, with `{column}` for a row's value; `{{` and `}}` are braces; `{choices}` is the lettered list."""
    system: str | None = None
    """System prompt put first, with `{column}` placeholders as in `template`."""
    target: str | msgspec.UnsetType | None = msgspec.UNSET
    """Column of the right answer; a list means that any of these is right. `null`: the set has no targets."""
    target_pattern: str | None = None
    r"""Regular expression that finds the answer within the target: its last match counts, and there its group 1
    (or all of it, without a group). GSM8K: `####\s*(.+)$`."""
    choices: str | None = None
    """Column of a multiple-choice case's options, in order: a list, an object by letter, or the same as JSON text."""
    tags: str | tuple[str, ...] | None = None
    """A column that holds a list (or text with commas), or several columns that hold one tag each."""
    cluster: str | None = None
    """Column that says which cases belong together (one passage, one user)."""
    edge: str | None = None
    """Column that marks edge cases: true/false, 1/0, yes/no."""
    tools: str | tuple[dict[str, Any], ...] | None = None
    """Column of the tools the model may call, or the tools themselves for all cases."""
    output_schema: str | dict[str, Any] | None = None
    """Column of the JSON Schema the answer is asked to keep, or the schema itself for all cases."""

    where: dict[str, Any] = msgspec.field(default_factory=dict)
    """Keep only rows whose column has this value (or one of these, for a list)."""
    limit: int | None = None
    """Stop after this many kept rows."""
    sample: int | None = None
    """Of what is left, draw this many at random, keeping the file's order. The draw depends on
    `seed` and each case's content alone, so rows added later do not change who of the old ones goes first."""
    seed: int = 0
    """Of the draw for `sample`."""
    duplicates: Literal["error", "first"] = "error"
    """What to do with a second row of the same id: refuse the file, or keep the first and count the rest."""
    version: str | None = None
    """Your own name for this state of the set; recorded, while the content's hash decides what is the same."""
