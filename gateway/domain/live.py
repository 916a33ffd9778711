"""Calls while they are up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call or fax that is up; `stage` is a word for people, `attempt` names message and try.

    `back`: somebody called us, `seconds` ago; until it is known what about, clinic and message are 0.
    """

    attempt: str
    clinic: int
    message: int
    stage: str
    trunk: str
    back: bool = False
    seconds: int = 0
