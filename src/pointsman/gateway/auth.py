"""Who asks: the key in whichever header the client's SDK puts it, compared by its SHA-256.

Only hashes are kept, so neither a stolen configuration nor a memory dump of it gives a key away; a
look-up by hash takes the same time for near and far misses.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.gateway.snapshot import Snapshot, Tenant

__all__ = ["authenticate", "key_hash"]

_ANYBODY = Tenant("anybody")
_NO_KEY = Failure(
    kind=FailureClass.AUTH, status=401, code="invalid_api_key", message="no API key: send one as your SDK usually does"
)
_UNKNOWN_KEY = Failure(kind=FailureClass.AUTH, status=401, code="invalid_api_key", message="this API key is not known here")


def key_hash(key: bytes) -> bytes:
    """What is kept of a key."""
    return sha256(key).digest()


def authenticate(snapshot: Snapshot, headers: Mapping[bytes, bytes], query: bytes) -> Tenant:
    """The tenant whose key came along. Raises `ProviderError` (auth) if there is no key or nobody's."""
    tenants = snapshot.tenants
    if tenants is None:
        return _ANYBODY
    key = _key(headers, query)
    if not key:
        raise ProviderError(_NO_KEY)
    tenant = tenants.get(sha256(key).digest())
    if tenant is None:
        raise ProviderError(_UNKNOWN_KEY)
    return tenant


def _key(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
    bearer = headers.get(b"authorization")
    if bearer is not None and bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip()
    key = headers.get(b"x-api-key") or headers.get(b"x-goog-api-key") or headers.get(b"api-key")
    if key is None and b"key=" in query:  # Google's clients may put it there
        key = next((part[4:] for part in query.split(b"&") if part.startswith(b"key=")), None)
    return key
