"""From what goes wrong on the network to a classified failure, in words that hold no URL and no key."""

from __future__ import annotations

import errno
import os
import re
import ssl

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError

from pointsman.core.failure import Failure, FailureClass, Phase

__all__ = ["excerpt", "network_failure", "timeout_failure", "wrong_content"]

_EXCERPT_CHARS = 120
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+|\s{2,}")
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_\-./+=]{20,}")


def excerpt(body: bytes) -> str:
    """The readable beginning of an answer that should not be there: markup stripped, at most 120
    characters, and anything as long and dense as a key or a URL replaced by `…`.
    """
    text = _MARKUP.sub(" ", body[:4096].decode("utf-8", "replace"))
    return _LOOKS_SECRET.sub("…", _NOT_PLAIN.sub(" ", text).strip())[:_EXCERPT_CHARS]


def wrong_content(status: int, content_type: str, body: bytes) -> Failure:
    """The server answered something other than an API does, such as a web page."""
    said = excerpt(body)
    return Failure(
        kind=FailureClass.MALFORMED,
        message=f"the server answered {content_type or 'no content type'} instead of JSON" + (f": {said}" if said else ""),
        status=status,
        phase="body",
    )


_CLOCKS: dict[Phase, str] = {
    "connect": "no connection within {:g} s (connect_s)",
    "headers": "no answer within {:g} s (first_token_s)",
    "first_token": "no first byte of the answer within {:g} s (first_token_s)",
    "body": "nothing more came for {:g} s in mid-answer (idle_s)",
    "total": "not finished within {:g} s (total_s)",
}


def timeout_failure(phase: Phase, limit_s: float, status: int | None = None) -> Failure:
    """One of our clocks ran out while in `phase`; the message names the setting to change."""
    return Failure(kind=FailureClass.TIMEOUT, message=_CLOCKS[phase].format(limit_s), status=status, phase=phase)


def network_failure(error: aiohttp.ClientError | OSError | ValueError, *, status: int | None = None) -> Failure:
    """Classify an error of the HTTP client. `status` is given once headers have arrived.

    A refused connection, a failed name look-up and a cut answer are transient; a certificate we
    don't trust is not, because trying again will not make it trustworthy.
    """
    kind, message, phase = _read(error)
    if status is not None:
        phase = "body"
    return Failure(kind=kind, message=message, status=status, phase=phase)


def _read(error: Exception) -> tuple[FailureClass, str, Phase]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return FailureClass.TRANSIENT, "the provider's host name could not be resolved", "connect"
        case aiohttp.ClientConnectorCertificateError():
            return FailureClass.HARD_DOWN, _certificate(error.certificate_error), "connect"
        case aiohttp.ClientSSLError():
            return FailureClass.TRANSIENT, "the TLS handshake failed", "connect"
        case aiohttp.ClientProxyConnectionError():
            return FailureClass.TRANSIENT, f"the proxy cannot be reached: {_reason(error)}", "connect"
        case aiohttp.ClientConnectorError():
            return FailureClass.TRANSIENT, f"no connection: {_reason(error)}", "connect"
        case aiohttp.ClientHttpProxyError(status=status):
            kind = FailureClass.TRANSIENT if status >= 500 else FailureClass.HARD_DOWN
            return kind, f"the proxy answered {status}", "connect"
        case aiohttp.ClientPayloadError():
            return _body(error)
        case aiohttp.ServerDisconnectedError():
            return FailureClass.TRANSIENT, "the server closed the connection before it answered", "headers"
        case aiohttp.ClientResponseError():
            return FailureClass.MALFORMED, "the server does not speak HTTP as it should", "headers"
        case OSError():
            return FailureClass.TRANSIENT, f"the connection broke: {_reason(error)}", "headers"
        case _:
            return FailureClass.TRANSIENT, "the connection broke", "headers"


def _body(error: aiohttp.ClientPayloadError) -> tuple[FailureClass, str, Phase]:
    if isinstance(error.__cause__, ContentEncodingError):
        return FailureClass.MALFORMED, "the answer's compression is broken", "body"
    return FailureClass.TRANSIENT, "the answer was cut off", "body"


def _certificate(error: Exception) -> str:
    why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else "it cannot be verified"
    return f"the server's TLS certificate is not trusted: {why} (a private authority is trusted through ca_file)"


def _reason(error: OSError) -> str:
    if error.errno == errno.ECONNREFUSED:
        return "connection refused"
    # Not str(error): aiohttp's texts name host and port.
    return os.strerror(error.errno).lower() if error.errno else "network error"
