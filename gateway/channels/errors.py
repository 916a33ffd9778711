"""Errors of the channels, in words an administrator can act on."""

from gateway.domain import RingwellError


class ContentError(RingwellError):
    """The content of a message cannot be sent on this channel (a missing prompt, an unreadable PDF)."""


class UnsafeValueError(ContentError):
    """A value holds CR, LF or another control character and must not reach a protocol."""
