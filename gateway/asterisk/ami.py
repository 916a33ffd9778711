"""Asterisk's manager interface through panoramisk, with its hazards closed.

One panoramisk Manager serves one connection and is thrown away with it: kept over a reconnect it would send
unanswered actions again, Originate included, and a patient would be called twice. Values with control
characters never reach it, because it writes them into the protocol as they are. Bytes are read as Latin-1,
so that a character split over two reads is not dropped. It is given a logger that says nothing: its
messages hold whole actions, telephone numbers included.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from panoramisk.manager import Manager

from gateway.domain import RingwellError

log = logging.getLogger(__name__)

Event = Mapping[str, Any]
Headers = Mapping[str, str | Sequence[str]]

ACTION_SECONDS = 10.0
CONNECT_SECONDS = 5.0
# A half-open connection is noticed within the sum of both.
PING_EVERY = 5.0
PING_SECONDS = 5.0
# Asterisk drops a longer line and carries the rest of the action out without it.
LINE_BYTES = 1000
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0)
_CLASSES = "call,user"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class AmiError(RingwellError):
    """The exchange refused an action; the message is its own word."""


class AmiDownError(AmiError):
    """There is no connection: the action was certainly not sent."""


class AmiRefusedError(AmiError):
    """The exchange answered no."""


class AmiLostError(AmiError):
    """The connection broke or stayed silent after the action was sent: it may have been carried out."""


class UnsafeHeaderError(AmiError):
    """A value holds a control character or is too long, and was not sent."""


class _Connection(Manager):  # type: ignore[misc]
    """A Manager that never reconnects and hands every event to one function."""

    def __init__(self, on_event: Callable[[Event], None], **config: Any) -> None:
        super().__init__(log=logging.Logger("silent", logging.CRITICAL + 1), **config)
        self.lost = asyncio.Event()
        self._on_event = on_event

    def dispatch(self, event: Event) -> list[str]:
        self._on_event(event)
        return []

    def connection_made(self, f: asyncio.Task[Any]) -> None:
        # The original would begin to reconnect by itself.
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)

    def connection_lost(self, exc: object) -> None:
        self.lost.set()

    def ping(self) -> None:
        """Left to Ami, which also waits for the answer."""

    @property
    def open(self) -> bool:
        return not (self.protocol is None or self.lost.is_set() or self.protocol.transport.is_closing())


class Ami:
    """A connection that comes back by itself while `run` runs."""

    def __init__(self, host: str, port: int, username: str, secret: str) -> None:
        self._host, self._port = host, port
        self._username, self._secret = username, secret
        self._connection: _Connection | None = None
        self._up = asyncio.Event()
        self._serving = asyncio.Lock()
        self._failures = 0
        self._said_away = False
        # Why there is no connection; empty while there is one.
        self.trouble = ""
        self._listeners: list[Callable[[Event], None]] = []
        self._on_up: list[Callable[[], None]] = []

    def listen(self, on_event: Callable[[Event], None], on_up: Callable[[], None]) -> None:
        """Call `on_event` for each event, and `on_up` each time the connection has come up."""
        self._listeners.append(on_event)
        self._on_up.append(on_up)

    @property
    def is_up(self) -> bool:
        """Logged in, and the exchange takes calls."""
        return self._up.is_set()

    async def up(self) -> None:
        """Wait until the exchange can be asked."""
        await self._up.wait()

    async def run(self) -> None:
        """Connect, log in, watch, and connect again, until cancelled.

        Several channels share one Ami: each runs it, the first one serves, another takes over after it.
        """
        async with self._serving:
            while True:
                try:
                    await self._serve()
                except (OSError, AmiError) as error:
                    self._say_away(error)
                finally:
                    self._drop()
                await asyncio.sleep(_BACKOFF[min(self._failures, len(_BACKOFF) - 1)])
                self._failures += 1

    async def _serve(self) -> None:
        connection = self._connection = _Connection(
            self._dispatch,
            host=self._host,
            port=self._port,
            encoding="latin-1",
            forgetable_actions=("ping", "login", "originate"),
            loop=asyncio.get_running_loop(),
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()
        except TimeoutError as error:
            raise AmiDownError(f"nobody answers at {self._host}:{self._port}") from error
        # The connection's own callback runs after the task is done.
        while connection.protocol is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await self._log_in()
        await self._until_booted()
        self._come_up()
        await self._watch(connection)
        raise AmiLostError("the connection to the exchange broke")

    async def _log_in(self) -> None:
        credentials = {"Username": self._username, "Secret": self._secret, "Events": _CLASSES}
        await self._ask({"Action": "Login"} | credentials)

    async def _until_booted(self) -> None:
        # FullyBooted needs the class `system`, which we are not granted: the start-up time tells as well.
        while True:
            (status,) = await self._ask({"Action": "CoreStatus"})
            if status.get("CoreStartupTime"):
                return
            await asyncio.sleep(0.1)

    async def _watch(self, connection: _Connection) -> None:
        while not connection.lost.is_set():
            try:
                await asyncio.wait_for(connection.lost.wait(), PING_EVERY)
            except TimeoutError:
                await self._ask({"Action": "Ping"}, seconds=PING_SECONDS)

    def _dispatch(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def _come_up(self) -> None:
        if self._said_away:
            log.warning("the exchange is back")
        self._said_away = False
        self.trouble = ""
        self._failures = 0
        self._up.set()
        for tell in self._on_up:
            tell()

    def _drop(self) -> None:
        self._up.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection.lost.set()
        self._connection = None

    def _say_away(self, error: Exception) -> None:
        self.trouble = str(error)
        if not self._said_away:
            log.error("the exchange is away (%s); calls and faxes wait until it is back", error)
        self._said_away = True

    # --- actions ---

    async def ask(self, headers: Headers, many: bool = False) -> list[Event]:
        """Send an action and return its answers: one, or with `many` the list that ends with …Complete.

        Raises AmiDownError when it was not sent, AmiLostError when its fate is not known, UnsafeHeaderError
        for a value that must not be sent, AmiError when it was refused.
        """
        if not self.is_up:
            raise AmiDownError("the exchange is away")
        return await self._ask(headers, many)

    async def _ask(
        self, headers: Headers, many: bool = False, seconds: float = ACTION_SECONDS
    ) -> list[Event]:
        wired = _wired(headers)
        connection = self._connection
        if connection is None or not connection.open:
            raise AmiDownError("the exchange is away")
        # None lets panoramisk tell a list from a lone refusal; True would wait for more after a refusal.
        answer = connection.send_action(wired, as_list=None if many else False)
        lost = asyncio.ensure_future(connection.lost.wait())
        try:
            await asyncio.wait({answer, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if not answer.done():
            answer.cancel()
            raise AmiLostError(f"the exchange did not answer {headers['Action']}")
        found = answer.result()
        answers: list[Event] = found if isinstance(found, list) else [found]
        if answers[0].get("Response") == "Error":
            raise AmiRefusedError(str(answers[0].get("Message", "refused")))
        return answers

    async def originate(self, headers: Headers) -> None:
        """Place a call; returns once the exchange has taken it over."""
        await self.ask({"Action": "Originate", "Async": "true"} | dict(headers))

    async def event(self, headers: Headers, named: Headers) -> Event:
        """Send an action that is answered twice: with an assent, then with the event so `named`.

        Raises as `ask` does.
        """
        found: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def seen(event: Event) -> None:
            if not found.done() and all(event.get(name) == value for name, value in named.items()):
                found.set_result(event)

        # The event may be in the same packet as the assent.
        self._listeners.append(seen)
        try:
            await self.ask(headers)
            return await asyncio.wait_for(found, ACTION_SECONDS)
        except TimeoutError as error:
            raise AmiLostError(f"the exchange did not answer {headers['Action']}") from error
        finally:
            self._listeners.remove(seen)

    async def stored(self, family: str) -> dict[str, str]:
        """Every key and value below a family of AstDB."""
        answers = await self.ask({"Action": "DBGetTree", "Family": family}, many=True)
        rows = [answer for answer in answers if answer.get("Event") == "DBGetTreeResponse"]
        return {str(row["Key"]).rpartition("/")[2]: str(row["Val"]) for row in rows}

    async def value(self, name: str) -> str:
        """The value of a global variable or a dialplan function; empty when there is none."""
        (answer,) = await self.ask({"Action": "Getvar", "Variable": name})
        return str(answer.get("Value") or "")

    async def channels(self) -> set[str]:
        """The unique ids of all calls that are up."""
        return {str(call["Uniqueid"]) for call in await self.calls()}

    async def calls(self) -> list[Event]:
        """What the exchange shows of each channel that is up: Uniqueid, Channel, Context and so on."""
        answers = await self.ask({"Action": "CoreShowChannels"}, many=True)
        return [answer for answer in answers if answer.get("Uniqueid")]


def _wired(headers: Headers) -> dict[str, str | list[str]]:
    """The headers as UTF-8 bytes in Latin-1 clothes; refuses what would change the protocol's lines."""
    return {
        name: _safe(name, value) if isinstance(value, str) else [_safe(name, one) for one in value]
        for name, value in headers.items()
    }


def _safe(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise UnsafeHeaderError(f"a value of {name} holds a control character and was not sent")
    wired = value.encode("utf-8", "replace").decode("latin-1")
    if len(wired) > LINE_BYTES:
        raise UnsafeHeaderError(f"a value of {name} is longer than {LINE_BYTES} bytes and was not sent")
    return wired
