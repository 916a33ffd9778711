"""What the result of a fax call means (rules, sections 6 and 7): pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.asterisk.results import CallResult
from gateway.channels import voice_causes
from gateway.channels.voice_causes import with_evidence
from gateway.domain import Delivered, Failed, Outcome, Retry, RetryKind, Unknown

# Words of res_fax and of spandsp; the rest of the errors are the fax protocol's own.
_OUR_FILE = ("FILE_ERROR", "INVALID_ARGUMENTS")
# With no station heard: somebody listened and hung up, or a machine took the call that is none for faxes.
_NO_MACHINE = ("HANGUP", "dropped", "initial communication", "T38_NEG_ERROR")


# Some pages were confirmed by the far end: the next attempt sends the others.
PAGES_MISSING = "pages-missing"
# Somebody, or something, took the call and no fax machine was heard.
VOICE = "voice-answered"
VOICE_AGAIN = Failed("voice-answered-again", bad_address=True)
_FAX_ERROR = "fax-error"
# Faxes keep intervals of their own (rules 6.5).
_KINDS = {RetryKind.BUSY: RetryKind.FAX_BUSY, RetryKind.NO_ANSWER: RetryKind.FAX_NO_ANSWER}


def is_of_the_line(outcome: Outcome) -> bool:
    """Whether another way may get through where this one did not."""
    return outcome.cause in (_FAX_ERROR, PAGES_MISSING)


def outcome(result: CallResult, pages: int | None) -> Outcome:
    """The outcome of a fax of so many pages; None where an earlier life of the gateway counted them."""
    if result.cut and not result.fax.pages:
        return with_evidence(voice_causes.CUT_OFF, evidence(result))
    if not result.stage:
        found = voice_causes.unanswered(result)
        if isinstance(found, Retry) and found.kind in _KINDS:
            found = replace(found, kind=_KINDS[found.kind])
        return with_evidence(found, evidence(result))
    return with_evidence(_answered(result, pages), evidence(result))


def _answered(result: CallResult, pages: int | None) -> Outcome:
    fax = result.fax
    if fax.status == "SUCCESS" and fax.pages >= (pages or 1):
        return Delivered("delivered")
    if fax.status == "SUCCESS":
        return Unknown("pages-unconfirmed")
    if any(word in fax.error for word in _OUR_FILE):
        return Failed("fax-file-unreadable")
    if fax.pages and pages and fax.pages < pages:
        return Retry(RetryKind.FAX_ERROR, PAGES_MISSING)
    if fax.pages or (not fax.status and result.stage == "sending"):
        # All pages are there, or nobody can tell: a second copy is not sent on a guess.
        return Unknown("dropped-mid-page")
    if not fax.station and any(word in fax.error for word in _NO_MACHINE):
        return Retry(RetryKind.FAX_NO_ANSWER, VOICE)
    return Retry(RetryKind.FAX_ERROR, _FAX_ERROR)


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
