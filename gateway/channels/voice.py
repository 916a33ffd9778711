"""Calls that play a script: own-voice and synthetic sounds, and a menu of keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami
from gateway.asterisk.calls import pieces
from gateway.asterisk.results import CallResult
from gateway.channels.telephone import Dial, TelephoneChannel, readable
from gateway.channels.trunks import TrunkLine, Ways
from gateway.channels.voice_causes import outcome
from gateway.domain import (
    Action,
    Attempt,
    Content,
    ContentError,
    Desk,
    Outcome,
    Prompt,
    Script,
    Sounds,
    Speech,
)
from gateway.settings import Trunk, VoiceSettings

Render = Callable[[tuple[Speech | Prompt, ...]], Awaitable[tuple[Path, ...]]]

# What the dialplan plays: the name of a sound as the exchange knows it.
Named = Callable[[Path], str]

# Beyond talking: the handler's report and a slow exchange.
MARGIN_SECONDS = 30.0


def by_path(file: Path) -> str:
    """Of an exchange that reads our files: the whole path without its ending."""
    return readable(file.with_suffix(""))


class VoiceChannel(TelephoneChannel):
    """`render` turns script parts into telephone-rate WAV files that the exchange can read."""

    name = domain.Channel.VOICE

    def __init__(
        self,
        ami: Ami,
        lines: Sequence[TrunkLine],
        voice: VoiceSettings,
        render: Render,
        named: Named = by_path,
    ) -> None:
        """`named`: how the exchange finds a sound."""
        super().__init__(ami, Ways(lines, lambda trunk: trunk.max_calls))
        self._named = named
        self._render = render
        self._transfer_seconds = voice.transfer_seconds
        self._fixed = {
            variables.ANSWER_SECONDS: str(voice.answer_seconds),
            variables.BEEP_SECONDS: str(voice.wait_for_beep_seconds),
        }

    async def prepare(self, content: Content) -> Content:
        """A Script becomes Sounds."""
        if not isinstance(content, Script):
            raise ContentError(f"a call cannot play {type(content).__name__}")
        sounds = await rendered(content, self._render)
        sound_variables(sounds, self._named)
        return sounds

    def _dial(self, attempt: Attempt, trunk: Trunk) -> Dial:
        if not isinstance(attempt.content, Sounds):
            raise ContentError(f"a call cannot play {type(attempt.content).__name__}")
        sounds = attempt.content
        talking = self._transfer_seconds if Action.TRANSFER in sounds.menu.values() else 0
        fixed = self._fixed | {
            variables.DETECT: trunk.amd.arguments if trunk.detect_machines else "",
            variables.CALL_SECONDS: str(trunk.max_call_seconds),
        }
        seconds = trunk.max_call_seconds + MARGIN_SECONDS + talking
        return Dial(variables.CALL_CONTEXT, fixed | sound_variables(sounds, self._named), seconds)

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


def sound_variables(sounds: Sounds, named: Named = by_path) -> dict[str, str]:
    """What the dialplan plays and offers, as channel variables; ContentError when that is too much."""
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
        found |= _listed(name, files, named)
    return found


# Asked when a message is prepared and when it is called; much of it is the same for everybody.
@lru_cache(maxsize=4096)
def _listed(name: str, files: tuple[Path, ...], named: Named) -> Mapping[str, str]:
    """The files as the dialplan plays them, joined by &."""
    try:
        return pieces(name, "&".join(named(file) for file in files))
    except ValueError as error:
        raise ContentError(f"a script of {len(files)} sounds is too long: {error}") from error
