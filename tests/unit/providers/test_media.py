"""Data URLs, base64 and short format names."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.chat import Media
from pointsman.providers.media import audio_format, audio_type, data_url, join_base64, media_from_url, url_of


@pytest.mark.parametrize(
    "url, media",
    [
        ("https://example.com/a.png", Media(url="https://example.com/a.png")),
        ("data:image/png;base64,iVBO", Media(media_type="image/png", data="iVBO")),
        ("DATA:IMAGE/PNG;BASE64,iVBO", Media(media_type="image/png", data="iVBO")),
        ("data:text/plain;charset=utf-8;base64,aGk=", Media(media_type="text/plain", data="aGk=")),
        ("data:text/plain,hi%20there", Media(media_type="text/plain", data="aGkgdGhlcmU=")),
        ("data:;base64,aGk%3D", Media(data="aGk=")),
        ("data:image/png;base64", Media(url="data:image/png;base64")),
        ("data:image/png;base64,ä", Media(url="data:image/png;base64,ä")),
    ],
)
def test_an_address_becomes_media(url: str, media: Media) -> None:
    """Bytes by value where the URL holds them; an unreadable data URL stays an address, so nothing is lost."""
    assert media_from_url(url) == media


@given(data=st.binary(max_size=40))
def test_a_data_url_is_read_back(data: bytes) -> None:
    """Any bytes survive."""
    media = Media(media_type="image/png", data=base64.b64encode(data).decode())
    url = data_url(media)
    assert url is not None
    assert media_from_url(url) == media
    assert url_of(Media(file_id="f")) is None


def test_pieces_of_base64_with_their_own_padding_are_joined() -> None:
    """Sound arrives in pieces, each encoded alone; joining the text would break it."""
    pieces = [base64.b64encode(p).decode() for p in (b"a", b"bc", b"def")]
    assert base64.b64decode(join_base64(pieces)) == b"abcdef"
    assert join_base64(["not base64!", "x"]) == "not base64!x"


def test_sound_formats_have_media_types() -> None:
    """Both ways, and an unknown one keeps its name."""
    assert (audio_type("mp3"), audio_format("audio/mpeg")) == ("audio/mpeg", "mp3")
    assert (audio_type("amr"), audio_format("audio/amr")) == ("audio/amr", "amr")
    assert audio_format("audio/x-wav; rate=8000") == "wav"
    assert audio_format(None) is None
    assert audio_format("video/mp4") is None
