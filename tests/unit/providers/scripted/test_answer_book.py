"""Questions with known answers, read from a file."""

import pytest

from pointsman.core.chat import ChatRequest, Message, Text, user_says
from pointsman.core.failure import DatasetError
from pointsman.providers.scripted.answer_book import AnswerBook, last_user_text


def test_rows_are_found_by_their_question(tmp_path):
    """Inputs as text or as messages; white space at the ends does not matter."""
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"id": "x", "input": "What is 2 + 2?", "target": "4", "tags": ["easy"]}\n\n'
        '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "And 3 + 3?"}], "target": ["6", "six"]}\n'
    )
    book = AnswerBook.read(file)
    found = book.find(" What is 2 + 2?\n")
    assert (found.case_id, found.target, found.tags) == ("x", "4", ("easy",))
    assert (book.find("And 3 + 3?").case_id, book.find("And 3 + 3?").target) == ("3", ["6", "six"])
    assert (book.find("what?"), len(book)) == (None, 2)


@pytest.mark.parametrize(
    "line, why",
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"input": "a"}', "no 'target'"),
        ('{"target": 1}', "no text in 'input'"),
    ],
)
def test_a_row_that_says_too_little_is_named(tmp_path, line, why):
    """With file and line."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"input": "a", "target": "b"}\n' + line + "\n")
    with pytest.raises(DatasetError) as caught:
        AnswerBook.read(file)
    assert caught.value.line == 2
    assert why in caught.value.message
    with pytest.raises(DatasetError, match="cannot be read"):
        AnswerBook.read(tmp_path / "absent.jsonl")


def test_the_question_is_what_the_user_said_last():
    """Not what a tool or the model said after it."""
    said = (user_says("first"), user_says("second"), Message(role="assistant", parts=(Text(text="third"),)))
    assert last_user_text(ChatRequest(model="m", messages=said)) == "second"
    assert last_user_text(ChatRequest(model="m", messages=())) == ""
