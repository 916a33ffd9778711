"""FastAGI calls through pyst2, with its hazards closed.

`asterisk.agi.AGI` installs a signal handler, so its own `__init__` is not run; it writes everything it hears,
PINs included, to a stream, which here forgets it; it does not escape quotes; it takes the word HANGUP, which
Asterisk says in the middle of anything, and a lost connection for an answer it cannot read.
"""

from __future__ import annotations

import hmac
import socket
from pathlib import Path
from typing import Any

from asterisk.agi import AGI, AGIException

from gateway.asterisk.address import Address, own_address
from gateway.domain import RingwellError

# Longer lines and more of them than Asterisk ever sends at the start of a call.
_LINE_BYTES = 4096
_MOST_LINES = 100
_UP = "6"


class CallOverError(RingwellError):
    """The caller has hung up, or the exchange has gone."""


class CallSoundError(RingwellError):
    """The exchange could not play or record a file; the message names it."""


def agi_address(folder: Path, port: int = 0) -> Address:
    """Where this instance's calls of staff are taken."""
    return own_address(folder, "agi", port)


def callback_address(folder: Path, port: int = 0) -> Address:
    """Where this instance's calls from outside are taken."""
    return own_address(folder, "callback", port)


class _Forgetting:
    """A stream that takes everything and keeps nothing."""

    def write(self, text: str) -> None:
        """Forget it."""


class _Lines:
    """What the exchange says, line by line."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def readline(self) -> str:
        while True:
            line = self._file.readline(_LINE_BYTES)
            if not line.endswith(b"\n"):
                raise CallOverError("the exchange has gone")
            text = line.decode("utf-8", "replace")
            # Said between answers when the caller hangs up; the answer itself still comes.
            if text.strip() != "HANGUP":
                return text

    def close(self) -> None:
        self._file.close()


class _Words:
    """What we say to the exchange."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, text: str) -> None:
        self._connection.sendall(text.encode())

    def flush(self) -> None:
        """Nothing waits."""


class _Session(AGI):  # type: ignore[misc]
    def __init__(self, lines: _Lines, words: _Words) -> None:
        self.stdin, self.stdout, self.stderr = lines, words, _Forgetting()
        self._got_sighup = False
        self.env: dict[str, str] = {}
        self._greet()

    def _greet(self) -> None:
        for _ in range(_MOST_LINES):
            name, _, value = self.stdin.readline().strip().partition(":")
            if not name:
                return
            self.env[name] = value.strip()
        raise CallOverError("whoever called is no exchange")


class Call:
    """A call that an exchange handed to us. Every method blocks, and raises CallOverError once it is over."""

    def __init__(self, connection: socket.socket, secret: str, seconds: float) -> None:
        connection.settimeout(seconds)
        self._lines = _Lines(connection)
        try:
            self._agi = self._greeted(connection, secret)
        except BaseException:
            # What reads from a connection keeps it open.
            self.close()
            raise

    def _greeted(self, connection: socket.socket, secret: str) -> _Session:
        session = _Session(self._lines, _Words(connection))
        told = session.env.get("agi_network_script", "")
        if not hmac.compare_digest(told.encode(), secret.encode()):
            raise CallOverError("whoever called does not know the secret")
        return session

    @property
    def id(self) -> str:
        """The call's unique id in the exchange."""
        return str(self._agi.env.get("agi_uniqueid", ""))

    @property
    def caller(self) -> str:
        """What the other side says its number is: anything."""
        return str(self._agi.env.get("agi_callerid", ""))

    @property
    def dialled(self) -> str:
        """The digits that were dialled."""
        return "".join(mark for mark in str(self._agi.env.get("agi_extension", "")) if mark in "0123456789")

    def set(self, name: str, value: str) -> None:
        """Set a channel variable; the value is one of our own words."""
        if not value.isprintable() or '"' in value or "\\" in value:
            raise CallSoundError(f"the exchange cannot be given {name}")
        self._do(self._agi.set_variable, name, value)

    def ask(self, sound: Path, most: int, seconds: float) -> str:
        """Play a sound until a key is pressed; the keys up to `#`, `most` or a silence.

        One command for all: a key that comes between two commands is lost.
        """
        named = self._quoted(sound_name(sound))
        return str(self._do(self._agi.get_data, named, int(seconds * 1000), most))

    def play(self, sound: Path) -> None:
        """Play a sound to its end, whatever is pressed."""
        self._do(self._agi.stream_file, self._quoted(sound_name(sound)))

    def record(self, file: Path, seconds: float) -> None:
        """Record into a WAV file until `#`; what was recorded before a hang-up stays in the file."""
        self._do(self._agi.record_file, sound_name(file), "wav", "#", int(seconds * 1000), 0, "")

    def _do(self, act: Any, *args: object) -> Any:
        try:
            return act(*args)
        except AGIException as error:
            self._look(error)
            raise CallSoundError(f"the exchange refused: {type(error).__name__}") from error
        except (OSError, ValueError) as error:
            raise CallOverError("the exchange has gone") from error

    def _look(self, error: AGIException) -> None:
        """A missing file and a hang-up have one answer: CallOverError unless the call is still up."""
        try:
            up = self._agi.execute("CHANNEL STATUS")["result"][0] == _UP
        except (AGIException, OSError, ValueError) as gone:
            raise CallOverError("the caller has hung up") from gone
        if not up:
            raise CallOverError("the caller has hung up") from error

    def _quoted(self, text: str) -> str:
        quoted: str = self._agi._quote(text)
        return quoted

    def close(self) -> None:
        """Let go; the dialplan goes on."""
        self._lines.close()


def sound_name(file: Path) -> str:
    """The name that the exchange knows a file by: without its ending, which it chooses itself."""
    name = str(file.absolute().with_suffix(""))
    if any(not mark.isprintable() or mark in '&,|;"\\$' for mark in name):
        raise CallSoundError(f"the exchange cannot read files from {str(file.parent)!r}: rename the folder")
    return name
