"""What the result of a fax call means (rules, sections 6 and 7): pure."""

from __future__ import annotations

from gateway.asterisk.results import CallResult
from gateway.channels import voice_causes
from gateway.channels.voice_causes import with_evidence
from gateway.domain import Delivered, Failed, Outcome, Retry, RetryKind, Unknown

# Words of res_fax and of spandsp; the rest of the errors are the fax protocol's own.
_OUR_FILE = ("FILE_ERROR", "INVALID_ARGUMENTS")
_CUT = ("HANGUP", "dropped")


def outcome(result: CallResult, pages: int | None) -> Outcome:
    """The outcome of a fax of so many pages; None where an earlier life of the gateway counted them."""
    if not result.stage:
        return with_evidence(voice_causes.unanswered(result), evidence(result))
    return with_evidence(_answered(result, pages), evidence(result))


def _answered(result: CallResult, pages: int | None) -> Outcome:
    fax = result.fax
    if fax.status == "SUCCESS" and fax.pages >= (pages or 1):
        return Delivered("delivered")
    if fax.status == "SUCCESS":
        return Unknown("pages-missing")
    if any(word in fax.error for word in _OUR_FILE):
        return Failed("fax-file-unreadable")
    if fax.pages or (not fax.status and result.stage == "sending"):
        # Some pages are there, or nobody can tell: a second copy is not sent on a guess.
        return Unknown("dropped-mid-page")
    if any(word in fax.error for word in _CUT):
        return Retry(RetryKind.NO_ANSWER, "hung-up-early")
    return Retry(RetryKind.PASSING, "fax-error")


def evidence(result: CallResult) -> dict[str, object]:
    """What the exchange said of the fax."""
    fax = result.fax
    found: dict[str, object] = {
        "status": fax.status,
        "pages": fax.pages,
        "rate": fax.rate,
        "mode": fax.mode,
        "station": fax.station,
        "error": "" if fax.status == "SUCCESS" else fax.error,
    }
    return voice_causes.evidence(result) | {name: value for name, value in found.items() if value}
