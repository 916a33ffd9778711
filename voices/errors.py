"""Why a sound cannot be had, in words an administrator can act on."""

from gateway.domain import RingwellError


class VoiceError(RingwellError):
    """A sound cannot be had."""


class SpeechError(VoiceError):
    """These words cannot be voiced, now or later."""


class PromptError(VoiceError):
    """An own-voice prompt is missing or cannot be used; the message names it."""


class PromptAwayError(PromptError):
    """A prompt's recording cannot be read now (a share that is away); later it may be."""


class RecordingError(VoiceError):
    """An uploaded recording cannot be used; the message says what is wrong with it and what to do."""


class VoiceMissingError(VoiceError):
    """No usable voice is installed for a language; the message says how to get one."""


class RenderError(VoiceError):
    """Rendering failed for a reason of this machine (time, memory, disk); later it may work."""
