"""An error response as a classified `Failure`, by the rules all protocols share.

A dialect whose errors say more (Google's `RetryInfo`) refines the result; the rest use it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.failure import Failure, FailureClass, Phase, ProviderError
from pointsman.providers.error_body import ErrorFacts, error_facts, facts_of
from pointsman.providers.failure_class import CODE_OF, STATUS_OF, failure_class, is_known_code
from pointsman.providers.request_id import request_id
from pointsman.providers.retry_after import read_retry_after_s

__all__ = ["client_fault", "code_to_write", "cut_short", "http_failure", "in_band_failure", "malformed", "reported_failure"]


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify one error response. Total: any status, headers (lower-case names) and bytes get a class."""
    facts = error_facts(body)
    return Failure(
        kind=failure_class(status, facts, should_retry=_flag(headers.get("x-should-retry"))),
        message=_message(facts) or f"HTTP {status} without an error message",
        status=status,
        code=_code(facts),
        retry_after_s=read_retry_after_s(headers),
        request_id=request_id(headers) or facts.request_id,
    )


def in_band_failure(error: object, *, phase: Phase = "body") -> Failure:
    """Classify an error object (decoded JSON) that came inside a reply or stream whose status said success."""
    facts = facts_of(error)
    return Failure(
        kind=failure_class(None, facts),
        message=_message(facts) or "the provider reported an error without a message",
        code=_code(facts),
        phase=phase,
        request_id=facts.request_id,
    )


def reported_failure(reply: object) -> Failure | None:
    """The failure that decoded JSON in place of a reply reports in any known shape; None if it reports none."""
    return None if facts_of(reply).silent else in_band_failure(reply)


def malformed(what: str, *, phase: Phase = "body") -> ProviderError:
    """The error for bytes that are not the protocol."""
    return ProviderError(Failure(kind=FailureClass.MALFORMED, message=what, phase=phase))


def cut_short(what: str = "the stream ended before the reply was finished") -> Failure:
    """The failure of a stream that stopped without saying that it is whole."""
    return Failure(kind=FailureClass.TRANSIENT, message=what, phase="body")


def client_fault(message: str, *, code: str = CODE_OF[FailureClass.CLIENT_FAULT]) -> ProviderError:
    """The error for a client's request that does not say something we can use."""
    return ProviderError(Failure(kind=FailureClass.CLIENT_FAULT, message=message, status=400, code=code, phase="send"))


def code_to_write(failure: Failure, *, in_band: bool = False) -> str:
    """The code that, with our status and this message, is read back as the same class.

    The provider's own code if it is, otherwise the common word for the class. `in_band` is for errors
    inside a stream, where no status helps the reader.
    """
    status = None if in_band else STATUS_OF[failure.kind]
    facts = ErrorFacts(message=failure.message, code=failure.code)
    if failure.code and failure_class(status, facts) is failure.kind and (not in_band or is_known_code(failure.code)):
        return failure.code
    return CODE_OF[failure.kind]


def _message(facts: ErrorFacts) -> str | None:
    if facts.message and facts.detail and " " in facts.detail and facts.detail not in facts.message:
        return f"{facts.message}: {facts.detail}"
    return facts.message


def _code(facts: ErrorFacts) -> str | None:
    """The code, or the kind where the code merely repeats an HTTP status."""
    return facts.kind if facts.kind and (facts.code is None or facts.code.isdigit()) else facts.code


def _flag(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get(text.strip().lower()) if text is not None else None
