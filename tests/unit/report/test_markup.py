"""Only what `tag` made passes into a page as markup."""

from __future__ import annotations

import pytest

from pointsman.report.markup import Html, join, raw, tag
from support.results import NASTY


@pytest.mark.parametrize("nasty", NASTY)
def test_text_and_attributes_are_escaped(nasty):
    made = tag("a", nasty, title=nasty)
    inside = made.removeprefix('<a title="').removesuffix("</a>")
    assert "<" not in inside
    assert inside.count('"') == 1
    assert "'" not in inside
    made.encode()


def test_own_markup_nests_and_is_not_escaped_twice():
    assert tag("p", tag("b", "1 < 2"), " & ", None, 3) == "<p><b>1 &lt; 2</b> &amp; 3</p>"
    assert join(["<", tag("br")]) == "&lt;<br>"


def test_text_joined_to_markup_by_plus_is_not_trusted():
    assert not isinstance(tag("b") + "<i>", Html)


def test_attributes_are_left_out_bare_or_named():
    assert (
        tag("input", hidden=True, id=None, checked=False, class_="a", data_value=1.23456)
        == '<input hidden class="a" data-value="1.23">'
    )
    assert tag("meta", name="x") == '<meta name="x">'


def test_markup_in_an_attribute_is_text_there():
    assert tag("a", title=raw('<b a="1">')) == '<a title="&lt;b a=&quot;1&quot;&gt;"></a>'
