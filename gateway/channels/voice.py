"""Calls that play a script: own-voice and synthetic sounds, and a menu of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami
from gateway.asterisk.calls import pieces
from gateway.asterisk.results import CallResult
from gateway.channels.errors import ContentError
from gateway.channels.pace import Pace, Share, trunk_pace
from gateway.channels.telephone import Dial, TelephoneChannel, readable
from gateway.channels.voice_causes import outcome
from gateway.domain import Action, Attempt, Content, Desk, Outcome, Prompt, Script, Sounds, Speech
from gateway.settings import Trunk, VoiceSettings

Render = Callable[[tuple[Speech | Prompt, ...]], Awaitable[tuple[Path, ...]]]

# Beyond ringing and talking: the handler's report and a slow exchange.
MARGIN_SECONDS = 30.0


class VoiceChannel(TelephoneChannel):
    """`render` turns script parts into telephone-rate WAV files that the exchange can read."""

    name = domain.Channel.VOICE

    def __init__(
        self, ami: Ami, trunk: Trunk, voice: VoiceSettings, render: Render, pace: Pace | None = None
    ) -> None:
        """`pace`: that of the trunk, when faxes go over it as well."""
        pace = pace or trunk_pace(trunk)
        super().__init__(ami, Share(pace, trunk.max_calls), trunk.caller_id, trunk.ring_seconds)
        self._render = render
        self._seconds = trunk.ring_seconds + trunk.max_call_seconds + MARGIN_SECONDS
        self._transfer_seconds = voice.transfer_seconds
        self._fixed = {
            variables.DETECT: trunk.amd.arguments if trunk.detect_machines else "",
            variables.ANSWER_SECONDS: str(voice.answer_seconds),
            variables.BEEP_SECONDS: str(voice.wait_for_beep_seconds),
        }

    async def prepare(self, content: Content) -> Content:
        """A Script becomes Sounds."""
        if not isinstance(content, Script):
            raise ContentError(f"a call cannot play {type(content).__name__}")
        sounds = await rendered(content, self._render)
        _variables(sounds)
        return sounds

    def _dial(self, attempt: Attempt) -> Dial:
        if not isinstance(attempt.content, Sounds):
            raise ContentError(f"a call cannot play {type(attempt.content).__name__}")
        sounds = attempt.content
        talking = self._transfer_seconds if Action.TRANSFER in sounds.menu.values() else 0
        return Dial(variables.CALL_CONTEXT, self._fixed | _variables(sounds), self._seconds + talking)

    def _outcome(self, result: CallResult, attempt: Attempt | None) -> Outcome:
        return outcome(result)


async def rendered(script: Script, render: Render) -> Sounds:
    """A script as sounds."""
    desk = script.desk or Desk((), (), ())
    return Sounds(
        person=await render(script.person),
        machine=await render(script.machine),
        menu=script.menu,
        other=await render(script.other),
        announcement=await render(desk.announcement),
        connecting=await render(desk.connecting),
        away=await render(desk.away),
        on_machine=script.on_machine,
    )


def _variables(sounds: Sounds) -> dict[str, str]:
    if not sounds.person or not sounds.machine:
        raise ContentError("a script without a sound")
    lists = {
        variables.PERSON_SOUNDS: sounds.person,
        variables.MACHINE_SOUNDS: sounds.machine,
        variables.OTHER_SOUNDS: sounds.other,
        variables.DESK_SOUNDS: sounds.announcement,
        variables.CONNECTING_SOUNDS: sounds.connecting,
        variables.AWAY_SOUNDS: sounds.away,
    }
    found = {f"{variables.MENU}_{key}": action.value for key, action in sounds.menu.items()}
    found[variables.ON_MACHINE] = sounds.on_machine.value
    for name, files in lists.items():
        found |= _listed(name, files)
    return found


def _listed(name: str, files: Sequence[Path]) -> dict[str, str]:
    """The files as the dialplan plays them: whole paths without their endings, joined by &."""
    try:
        return pieces(name, "&".join(readable(file.with_suffix("")) for file in files))
    except ValueError as error:
        raise ContentError(f"a script of {len(files)} sounds is too long: {error}") from error
