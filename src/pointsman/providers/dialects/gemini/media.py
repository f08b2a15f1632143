"""Blobs and file references of Gemini ↔ our media parts."""

from __future__ import annotations

import mimetypes
from urllib.parse import urlsplit

from pointsman.core.chat import Audio, File, Image, Media, Part, Video
from pointsman.providers.fields import STR, Fields
from pointsman.providers.losses import Losses

__all__ = ["media_part", "read_blob", "read_file_data", "write_media"]

_OWN_FILES = ("gs://", "files/", "https://generativelanguage.googleapis.com/")
_YOUTUBE = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/")


def media_part(media: Media, name: str | None = None) -> Part:
    """The part its media type asks for."""
    family = (media.media_type or "").split("/", 1)[0].lower()
    match family:
        case "image":
            return Image(media=media)
        case "audio":
            return Audio(media=media)
        case "video":
            return Video(media=media)
        case _:
            return File(media=media, name=name)


def read_blob(blob: Fields) -> Part:
    """`inlineData`."""
    # Google accepts and sends base64 in both alphabets; the rest of the world knows one.
    data = blob.need("data", STR).translate(_STANDARD)
    return media_part(Media(media_type=blob.take("mimeType", STR), data=data), blob.take("displayName", STR))


def read_file_data(data: Fields) -> Part:
    """`fileData`: a file at Google (by reference), or an address on the web."""
    uri = data.need("fileUri", STR)
    kind = data.take("mimeType", STR)
    name = data.take("displayName", STR)
    if uri.startswith(_OWN_FILES):
        return media_part(Media(media_type=kind, file_id=uri), name)
    if uri.startswith(_YOUTUBE):
        return Video(media=Media(media_type=kind, url=uri))
    return media_part(Media(media_type=kind, url=uri), name)


def write_media(part: Image | Audio | Video | File, at: str, losses: Losses) -> dict[str, object] | None:
    """`inlineData` or `fileData`; None (and a loss) for another provider's reference."""
    media = part.media
    name = part.name if isinstance(part, File) else None
    label = {} if name is None else {"displayName": name}
    if isinstance(part, Image) and part.detail not in (None, "auto"):
        losses.add(f"{at}.detail", "Gemini has no such setting per image")
    if isinstance(part, Audio) and part.transcript is not None:
        losses.add(f"{at}.transcript", "Gemini takes the sound alone")
    if media.data is not None:
        kind = media.media_type or _DEFAULT_TYPES[type(part)]
        return {"inlineData": {"mimeType": kind, "data": media.data, **label}}
    uri = media.url or media.file_id
    if uri is None or (media.url is None and not uri.startswith(_OWN_FILES)):
        losses.add(at, "only the provider that issued this reference understands it")
        return None
    kind_said = media.media_type or _type_by_name(uri, type(part))
    kind_known = {} if kind_said is None else {"mimeType": kind_said}
    return {"fileData": {"fileUri": uri, **kind_known, **label}}


def _type_by_name(uri: str, part: type) -> str | None:
    """Gemini tells a picture from any other file by its media type alone, which other protocols leave unsaid."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None  # no address of ours to judge
    guess, _ = _BY_NAME.guess_type(path)
    return guess if guess is not None and type(media_part(Media(media_type=guess))) is part else None


_BY_NAME = mimetypes.MimeTypes()
"""The language's own table; the machine's would make the answer depend on where it runs."""
_STANDARD = str.maketrans("-_", "+/")
_DEFAULT_TYPES: dict[type, str] = {Image: "image/png", Audio: "audio/wav", Video: "video/mp4", File: "application/octet-stream"}
