"""Pictures, sound and files between their forms: data URLs, base64 with a type, short format names."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from pointsman.core.chat import Media

__all__ = ["audio_format", "audio_type", "data_url", "join_base64", "media_from_url", "url_of"]

_AUDIO_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "aiff": "audio/aiff",
    "webm": "audio/webm",
    "pcm16": "audio/pcm",
    "pcm24": "audio/pcm24",
}
_AUDIO_FORMATS = {t: f for f, t in _AUDIO_TYPES.items()} | {"audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}


def media_from_url(url: str, media_type: str | None = None) -> Media:
    """Media at this address; the bytes themselves if it is a `data:` URL.

    `media_type` counts where the URL does not say. A `data:` URL that cannot be read stays an address,
    so that nothing is lost and the target may judge it.
    """
    if url[:5].lower() != "data:":
        return Media(url=url, media_type=media_type)
    head, comma, payload = url[5:].partition(",")
    named, *params = [p.strip() for p in head.split(";")]
    data = _as_base64(payload, encoded=any(p.lower() == "base64" for p in params)) if comma else None
    if data is None:
        return Media(url=url, media_type=media_type)
    return Media(data=data, media_type=named.lower() or media_type)


def data_url(media: Media, default_type: str = "application/octet-stream") -> str | None:
    """The bytes as a `data:` URL; None if this media is not held by value."""
    return None if media.data is None else f"data:{media.media_type or default_type};base64,{media.data}"


def url_of(media: Media, default_type: str = "application/octet-stream") -> str | None:
    """An address that gives these media, `data:` included; None for a provider's own reference."""
    return media.url or data_url(media, default_type)


def audio_type(name: str) -> str:
    """Media type of a short format name: `mp3` → `audio/mpeg`."""
    return _AUDIO_TYPES.get(name.lower(), f"audio/{name.lower()}")


def audio_format(media_type: str | None) -> str | None:
    """Short format name of a media type: `audio/mpeg` → `mp3`; None if unknown or not audio."""
    if media_type is None:
        return None
    bare = media_type.split(";", 1)[0].strip().lower()
    return _AUDIO_FORMATS.get(bare) or (bare.removeprefix("audio/") if bare.startswith("audio/") else None)


def join_base64(pieces: list[str]) -> str:
    """One base64 text of pieces that were encoded one by one, each with its own padding.

    Pieces that are not base64 are joined as they are.
    """
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(p, validate=True) for p in pieces)).decode("ascii")
    except (binascii.Error, ValueError):
        return "".join(pieces)


def _as_base64(payload: str, *, encoded: bool) -> str | None:
    if not encoded:
        return base64.b64encode(unquote_to_bytes(payload)).decode("ascii")
    text = payload if "%" not in payload else unquote_to_bytes(payload).decode("ascii", "replace")
    return text if text.isascii() else None
