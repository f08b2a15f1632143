"""Test sets as people write them, and the complaints they get."""

from __future__ import annotations

import gzip
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from pointsman.core.chat import Image, ToolCall, ToolResult
from pointsman.core.failure import ConfigError, DatasetError
from pointsman.evals.case import Case
from pointsman.evals.dataset import Dataset, TestsSpec, open_dataset


@pytest.fixture
def load(tmp_path):
    """Write a file (text, bytes or rows) and open it as a test set."""
    opened: list[Dataset] = []

    def write_and_open(name: str, content: str | bytes | list[dict[str, Any]], **spec: Any) -> Dataset:
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        opened.append(open_dataset(TestsSpec(file=name, **spec), tmp_path, tmp_path / "run" / "cases.jsonl"))
        return opened[-1]

    yield write_and_open
    for dataset in opened:
        dataset.close()


def asked(case: Case) -> str:
    return case.messages[-1].text


ROWS = [{"id": "a", "input": "1 + 1?", "target": "2"}, {"id": "b", "input": "2 + 2?", "target": "4"}]
FORMATS = {
    "set.jsonl": '{"id":"a","input":"1 + 1?","target":"2"}\n\n{"id":"b","input":"2 + 2?","target":"4"}',
    "set.json": json.dumps(ROWS),
    "set.csv": "id,input,target\na,1 + 1?,2\nb,2 + 2?,4\n",
    "set.tsv": "id\tinput\ttarget\na\t1 + 1?\t2\nb\t2 + 2?\t4\n",
    "set.yaml": "- {id: a, input: 1 + 1?, target: '2'}\n- id: b\n  input: 2 + 2?\n  target: '4'\n",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("form", ["plain", "gz", "bom", "crlf"])
def test_every_format_says_the_same_cases(load, name, form):
    text = FORMATS[name]
    data = {"plain": text, "gz": text, "bom": "\ufeff" + text, "crlf": text.replace("\n", "\r\n")}[form].encode()
    dataset = load(name + ".gz", gzip.compress(data)) if form == "gz" else load(name, data)
    assert [(c.id, asked(c), c.target) for c in dataset] == [("a", "1 + 1?", "2"), ("b", "2 + 2?", "4")]
    assert dataset.hash == load("again.json", json.dumps(ROWS)).hash


def test_parquet_says_the_same_cases(load, tmp_path):
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    dataset = load("set.parquet", (tmp_path / "rows.parquet").read_bytes())
    assert dataset.hash == load("set.json", json.dumps(ROWS)).hash


def test_parquet_without_pyarrow_says_how_to_get_it(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match="needs pyarrow") as refused:
        load("set.parquet", b"PAR1")
    assert refused.value.hint == "pip install 'pointsman[parquet]'"


def test_the_place_of_rows_inside_a_document(load):
    assert [
        c.target
        for c in load("bbh.json", '{"canary": "x", "data": {"examples": [{"input": "q", "target": "a"}]}}', rows="data.examples")
    ] == ["a"]
    by_key = load("pubmed.json", '{"77": {"Q": "is it?", "A": "yes"}}', id="key", input="Q", target="A")
    assert by_key[0].id == "77"
    assert [c.target for c in load("in.yaml", "about: x\nrows:\n  - {input: q, target: a}\n", rows="rows")] == ["a"]


# Numbers stay as written.


def test_numbers_keep_every_digit(load):
    dataset = load(
        "n.jsonl",
        '{"input":"x","target":3.10}\n{"input":"y","target":123456789012345678901234567890}\n{"input":"z","target":[1.50,7]}\n',
    )
    assert [c.target for c in dataset] == ["3.10", 123456789012345678901234567890, ["1.50", 7]]


def test_yaml_words_and_numbers_are_what_they_look_like(load):
    scalars = ["yes", "010", "2020-01-01", "3.10", "1:30", "true", "12", "~", ""]
    text = "".join(f"- {{input: {n}, target: {scalar}}}\n" for n, scalar in enumerate(scalars))
    assert [c.target for c in load("y.yaml", text)] == ["yes", "010", "2020-01-01", "3.10", "1:30", True, 12, None, None]


def test_yaml_anchors_and_merges(load):
    text = "- &base {input: a, target: x, tags: [t]}\n- {<<: *base, input: b}\n"
    assert [(asked(c), c.target, c.tags) for c in load("y.yaml", text)] == [("a", "x", ("t",)), ("b", "x", ("t",))]


def test_a_number_in_a_template_is_as_written(load):
    assert asked(load("n.jsonl", '{"price": 2.50, "target": "x"}', template="Costs {price} {{net}}")[0]) == "Costs 2.50 {net}"


# What is wrong is named with its place.

BROKEN = {
    "malformed": ("x.jsonl", '{"input":"a","target":1}\n{"input":"b","target":}\n', r"x\.jsonl:2: column 23: not valid JSON"),
    "cut off": ("x.jsonl", '{"input":"a","target":1}\n{"input":"b"', r"x\.jsonl:2: .*ends in the middle"),
    "nan": ("x.jsonl", '{"input":"a","target":NaN}\n', r"x\.jsonl:1: column 23: .*NaN is not JSON"),
    "a list": ("x.jsonl", "[1,2]\n", r"x\.jsonl:1: is a JSON array"),
    "latin-1": (
        "x.jsonl",
        b'{"input":"a","target":1}\n{"input":"caf\xe9","target":1}\n',
        r"x\.jsonl:2: column 14: byte 0xe9 is not UTF-8",
    ),
    "utf-16": ("x.jsonl", '{"input":"a"}'.encode("utf-16"), "is UTF-16 text"),
    "gzip": ("x.jsonl.gz", b"\x1f\x8b\x08\x00broken", "broken gzip"),
    "cut gzip": ("x.jsonl.gz", gzip.compress(b'{"input":"a","target":1}\n' * 99)[:40], "broken gzip"),
    "no target": ("x.jsonl", '{"input":"a","answer":1}\n', r"x\.jsonl:1: has no column 'target'"),
    "no input": ("x.jsonl", '{"inputs":"a","target":1}\n', r"x\.jsonl:1: has no column 'input'"),
    "empty input": ("x.csv", "input,target\nq,1\n,2\n", r"x\.csv:3: has an empty `input`"),
    "no rows": ("x.jsonl", "\n\n", "has no rows"),
    "header only": ("x.csv", "input,target\n", "has no rows"),
    "ragged": ("x.csv", "input,target\na,1\nb,2,3\n", r"x\.csv:3: has 3 fields, the header 2"),
    "after quoted newlines": ("x.csv", 'input,target\n"a\nb\nc",1\nd\n', r"x\.csv:5: has 1 fields"),
    "open quote": ("x.csv", 'input,target\na,1\n"b,2\n', r"x\.csv:3: not a valid record"),
    "double header": ("x.csv", "input,input\na,b\n", r"x\.csv:1: the header names 'input' twice"),
    "bad yaml": ("x.yaml", "- {input: a}\n- {input: [}\n", r"x\.yaml:2: column \d+: not valid YAML"),
    "yaml nan": ("x.yaml", "- {input: a, target: 1}\n- {input: b, target: .nan}\n", r"x\.yaml:2:.*nan"),
    "yaml mapping": ("x.yaml", "input: a\n", r"x\.yaml:1: is not a list of rows"),
    "json item": ("x.json", '[{"input":"a","target":1}, 5]', r"x\.json: item 2: is not an object"),
    "json syntax": ("x.json", '[\n{"input":"a"},\n{"input"}]', r"not valid JSON: .*line 3"),
    "parquet": ("x.parquet", b"PAR1 no", "not a readable Parquet"),
    "edge": ("x.jsonl", '{"input":"a","target":1,"edge":"maybe"}\n', r"x\.jsonl:1: 'maybe' is neither"),
    "unknown": ("x.xyz", "a", r"what is in a '\.xyz' file"),
}


@pytest.mark.parametrize("name, content, message", BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_named_with_its_place(load, name, content, message):
    with pytest.raises(DatasetError, match=message) as refused:
        load(name, content)
    assert refused.value.file.endswith(name)


def test_a_missing_file_says_where_paths_start(tmp_path):
    with pytest.raises(DatasetError, match="No such file") as refused:
        open_dataset(TestsSpec(file="gone.jsonl"), tmp_path, tmp_path / "spool")
    assert "relative" in (refused.value.hint or "")


def test_a_failed_load_leaves_no_spool(load, tmp_path):
    with pytest.raises(DatasetError):
        load("x.jsonl", '{"input":"a","target":1}\n{')
    assert list((tmp_path / "run").iterdir()) == []


def test_latin_1_is_read_when_said(load):
    assert asked(load("x.csv", "input,target\ncaf\xe9,1\n".encode("latin-1"), encoding="latin-1")[0]) == "café"


def test_line_7341_of_a_long_file_is_named(load):
    lines = [json.dumps({"id": str(n), "input": "q", "target": "a"}) for n in range(1, 8001)]
    lines[7340] = '{"id": "7341", "input": "q" "target": "a"}'
    with pytest.raises(DatasetError, match=r"long\.jsonl:7341: column 29: not valid JSON"):
        load("long.jsonl", "\n".join(lines))


# Ids.


def test_a_repeated_id_names_both_lines_and_how_many_there_are(load):
    rows = [{"id": i, "input": f"q{n}", "target": "a"} for n, i in enumerate(["x", "y", "x", "z", "y", "x"])]
    with pytest.raises(DatasetError, match=r"d\.jsonl:3: id 'x' is that of line 1 too; 3 of 6 rows"):
        load("d.jsonl", rows)


def test_the_first_of_each_id_can_be_kept(load):
    rows = [{"id": i, "input": f"q{n}", "target": "a"} for n, i in enumerate(["x", "y", "x", "z", "y", "x"])]
    dataset = load("d.jsonl", rows, duplicates="first")
    assert [(c.id, asked(c)) for c in dataset] == [("x", "q0"), ("y", "q1"), ("z", "q3")]
    assert dataset.info.dropped_duplicates == 3


def test_without_ids_the_content_names_the_case_wherever_it_stands(load):
    one = load("a.jsonl", [{"input": "q", "target": "1"}, {"input": "r", "target": "1"}])
    two = load("b.jsonl", [{"input": "r", "target": "1", "other": 5}])
    assert one[1].id == two[0].id
    assert one[0].id != one[1].id


def test_an_id_that_was_named_must_be_there(load):
    with pytest.raises(DatasetError, match=r"has no column 'qid'.*") as refused:
        load("a.jsonl", [{"id": "1", "input": "q", "target": "1"}], id="qid")
    assert "'id'" in (refused.value.hint or "")


# What a row becomes.


def test_messages_of_a_chat_api_become_ours(load):
    chat = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
    ]
    [case] = load("m.jsonl", [{"messages": chat, "target": "cat"}])
    system, user, assistant, tool = case.messages
    assert system.text == "Be brief."
    assert user.parts[1] == Image(media=user.parts[1].media)
    assert (user.parts[1].media.media_type, user.parts[1].media.data) == ("image/png", "QUJD")
    assert assistant.parts == (ToolCall(id="c1", name="look", arguments="{}"),)
    assert isinstance(tool.parts[0], ToolResult)
    assert (
        load("m.csv", f'messages,target\n"{json.dumps(chat).replace(chr(34), chr(34) * 2)}",cat\n')[0].messages == case.messages
    )


def test_a_message_that_cannot_be_read_is_named(load):
    with pytest.raises(DatasetError, match=r"m\.jsonl:1: messages\[0\] has role 'robot'"):
        load("m.jsonl", [{"messages": [{"role": "robot", "content": "x"}], "target": "y"}])


def test_a_template_fills_in_columns_and_lettered_choices(load):
    [case] = load(
        "t.jsonl",
        [{"question": "Which {one}?", "options": {"A": "red", "B": "blue"}, "answer": "B"}],
        template="{question}\n{choices}",
        system="Answer with {{letter}}.",
        choices="options",
        target="answer",
    )
    assert [m.text for m in case.messages] == ["Answer with {letter}.", "Which {one}?\nA) red\nB) blue"]
    assert case.choices == ("red", "blue")


def test_a_template_that_asks_for_a_missing_column_names_row_and_column(load):
    with pytest.raises(DatasetError, match=r"t\.jsonl:2: the template asks for \{question\}") as refused:
        load("t.jsonl", [{"question": "a", "target": 1}, {"qestion": "b", "target": 1}], template="{question}")
    assert "{qestion}" in (refused.value.hint or "")


@pytest.mark.parametrize("template", ["{", "{}", "{a!r}", "{a:>5}", "}"])
def test_a_template_with_anything_but_columns_is_refused(load, template):
    with pytest.raises(ConfigError, match="template"):
        load("t.jsonl", ROWS, template=template)


def test_tags_clusters_edges_and_nested_columns(load):
    rows = [
        {"input": "a", "target": "1", "tags": ["x", "y"], "meta": {"doc": 7}, "edge": True},
        {"input": "b", "target": "1", "tags": "y, z", "meta": {"doc": 7}, "edge": "no"},
        {"input": "c", "target": None, "tags": None, "meta": {"doc": None}},
    ]
    dataset = load("t.jsonl", rows, cluster="meta.doc", version="3")
    assert [c.tags for c in dataset] == [("x", "y"), ("y", "z"), ()]
    assert [dataset.tags_of(i) for i in range(3)] == [("x", "y"), ("y", "z"), ()]
    assert [c.cluster for c in dataset] == ["7", "7", None]
    assert dataset.cluster_codes.tolist() == [0, 0, -1]
    info = dataset.info
    assert (info.tags, info.clusters, info.edge_cases, info.without_target, info.version) == (
        {"y": 2, "x": 1, "z": 1},
        2,
        1,
        1,
        "3",
    )


def test_several_columns_as_tags(load):
    assert load("t.jsonl", [{"input": "a", "target": 1, "category": "law, civil", "level": 5}], tags=("category", "level"))[
        0
    ].tags == ("law, civil", "5")


def test_tools_and_schema_of_a_row_and_of_the_set(load):
    schema = {"type": "object", "properties": {"p": {"type": "number", "minimum": 0.5}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    by_row = load("t.jsonl", [{"input": "a", "target": 1, "tools": [tool], "output_schema": schema}])[0]
    by_set = load("u.jsonl", [{"input": "a", "target": 1}], tools=(tool,), output_schema=schema)[0]
    assert by_row.hash == by_set.hash
    assert by_row.output is not None
    assert json.loads(bytes(by_row.output.schema or b"")) == schema
    assert [t.name for t in by_row.tools] == ["f"]
    assert json.loads(bytes(by_row.tools[0].parameters or b"")) == schema


def test_a_target_pattern_takes_its_last_match(load):
    rows = [{"input": "q", "target": "#### 1 is wrong\n#### 18"}]
    assert load("t.jsonl", rows, target_pattern=r"####\s*(.+)$")[0].target == "18"
    with pytest.raises(DatasetError, match=r"t\.jsonl:1: target does not match"):
        load("t.jsonl", [{"input": "q", "target": "18"}], target_pattern=r"####\s*(.+)$")
    with pytest.raises(ConfigError, match="target_pattern"):
        load("t.jsonl", rows, target_pattern="(")


def test_a_set_may_have_no_targets(load):
    dataset = load("t.jsonl", [{"input": "q"}], target=None)
    assert dataset[0].target is None
    assert dataset.info.without_target == 1


# Which rows.


def test_where_limit_and_sample(load):
    rows = [{"id": str(n), "input": f"q{n}", "target": n, "level": n % 3} for n in range(300)]
    assert [c.id for c in load("w.jsonl", rows, where={"level": 1}, limit=3)] == ["1", "4", "7"]
    assert len(load("w.jsonl", rows, where={"level": [0, 2]})) == 200
    drawn = [c.id for c in load("w.jsonl", rows, sample=20, seed=1)]
    assert len(drawn) == 20
    assert drawn == sorted(drawn, key=int)
    assert drawn == [c.id for c in load("w.jsonl", rows, sample=20, seed=1)]
    assert drawn != [c.id for c in load("w.jsonl", rows, sample=20, seed=2)]
    # The same cases in another order are drawn again, since the draw rests on content.
    assert sorted(drawn) == sorted(c.id for c in load("w.jsonl", rows[::-1], sample=20, seed=1))


def test_where_that_keeps_nothing_says_so(load):
    with pytest.raises(DatasetError, match="no row of 2 passes `where`"):
        load("w.jsonl", ROWS, where={"id": "c"})
    with pytest.raises(DatasetError, match=r"w\.jsonl:1: has no column 'nope'"):
        load("w.jsonl", ROWS, where={"nope": 1})


# The spool.


def test_a_spool_can_be_moved_and_opened_again(load, tmp_path):
    dataset = load("s.jsonl", [{"id": str(n), "input": f"é{n}", "target": n, "tags": ["t"], "cluster": "c"} for n in range(50)])
    moved = tmp_path / "elsewhere" / "cases.jsonl"
    copy = dataset.spool_to(moved)
    dataset.path.unlink()
    assert copy.hash == dataset.hash
    assert list(copy) == list(Dataset.from_spool(moved)) == list(dataset)
    assert copy[-1] == copy[49]
    with pytest.raises(IndexError):
        copy[50]


def test_hashes_are_those_of_the_cases(load):
    dataset = load("s.jsonl", ROWS)
    assert [dataset.case_hash(i) for i in range(2)] == [c.hash for c in dataset]


def test_the_hash_of_the_set_follows_content_and_order_not_tags_or_layout(load):
    base = load("a.jsonl", ROWS).hash
    assert load("b.jsonl", [{**row, "tags": ["new"], "note": 1} for row in ROWS]).hash == base
    assert load("c.jsonl", ROWS[::-1]).hash != base
    assert load("d.jsonl", [ROWS[0], {**ROWS[1], "target": "5"}]).hash != base


def test_a_damaged_spool_names_its_line(tmp_path):
    (tmp_path / "cases.jsonl").write_text('{"id":"a","messages":[]}\n{"id":\n')
    with pytest.raises(DatasetError, match=r"cases\.jsonl:2: is not a case we wrote"):
        Dataset.from_spool(tmp_path / "cases.jsonl")


def test_memory_stays_far_below_the_size_of_the_file(tmp_path):
    """20,000 rows of about 600 bytes: 12 MB on disk, under a third of that in memory while loading and after."""
    path = tmp_path / "big.jsonl"
    with path.open("w") as lines:
        for n in range(20_000):
            lines.write(
                json.dumps({"id": f"q{n}", "input": f"{n} " + "words and more words " * 27, "target": n, "cluster": f"c{n // 9}"})
                + "\n"
            )
    tracemalloc.start()
    with open_dataset(TestsSpec(file="big.jsonl"), tmp_path, tmp_path / "spool") as dataset:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(dataset) == 20_000
    assert peak < Path(path).stat().st_size / 3
