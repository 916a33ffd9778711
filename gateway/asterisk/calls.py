"""Calls placed over AMI, each followed to its result whatever happens to the connection meanwhile.

An attempt's id is the call's unique id, so that every event and every kept result names it. The hangup
handler of dialplan/results.conf leaves the result in AstDB before the call is gone; after a lost connection
or a lost gateway the result is read from there, and it is removed only when it is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.asterisk import results, variables
from gateway.asterisk.ami import Ami, AmiError, AmiLostError, Event, UnsafeHeaderError
from gateway.asterisk.results import CallResult, KeyPress
from gateway.domain import RingwellError

log = logging.getLogger(__name__)

# What was written into a broken connection is read by the exchange within this time, or never.
IN_FLIGHT_SECONDS = 5.0
# The end of a call that failed is told within this time after the failure itself.
FAILURE_SECONDS = 1.0
_NO_WAY = "the exchange has no way to the trunk"
# Results are removed together: this many at once, and after this pause at the latest.
FORGET_AT_ONCE = 35
FORGET_PAUSE = 0.2


class NotPlacedError(RingwellError):
    """The call was certainly not placed; the message says why."""


class CallLostError(RingwellError):
    """The call may have been placed and nothing tells how it went."""


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place: PJSIP dial string, dialplan context, channel variables, seconds to let it ring."""

    channel: str
    context: str
    caller_id: str
    ring_seconds: int
    variables: Mapping[str, str]


End = CallResult | NotPlacedError | CallLostError


@dataclass(slots=True)
class _Call:
    """A call under way."""

    end: asyncio.Future[End] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    answered: bool = False

    def finish(self, end: End) -> None:
        """The first word counts."""
        if not self.end.done():
            self.end.set_result(end)


class Calls:
    """The calls of one channel over a shared Ami.

    `on_key(attempt, key)` is told of each key at once, `on_late(attempt, result)` of calls that an earlier
    life of the gateway placed and `look_for` asked about.
    """

    def __init__(
        self, ami: Ami, on_key: Callable[[str, KeyPress], None], on_late: Callable[[str, CallResult], None]
    ) -> None:
        self._ami = ami
        self._on_key, self._on_late = on_key, on_late
        self._open: dict[str, _Call] = {}
        self._watched: set[str] = set()
        self._settled: set[str] = set()
        self._cut: set[str] = set()
        self._to_forget = asyncio.Event()
        self._looking: set[asyncio.Task[None]] = set()
        ami.listen(self._on_event, self._on_up)

    async def run(self) -> None:
        """Remove acknowledged results until cancelled."""
        try:
            while True:
                await self._to_forget.wait()
                await asyncio.sleep(FORGET_PAUSE)
                await self._ami.up()
                while len(self._settled) > FORGET_AT_ONCE and await self._forget_some():
                    pass
                await self._forget_some()
        finally:
            for task in self._looking:
                task.cancel()

    # --- placing ---

    async def place(self, attempt: str, order: Order, seconds: float) -> CallResult:
        """Place a call and wait for its result, at most this long.

        Raises NotPlacedError or CallLostError, and UnsafeHeaderError for a value that must not be sent.
        """
        call = self._open[attempt] = _Call()
        try:
            await self._originate(attempt, order)
            async with asyncio.timeout(seconds):
                end = await call.end
        except TimeoutError:
            return await self._evidence(attempt)
        finally:
            del self._open[attempt]
        if isinstance(end, RingwellError):
            raise end
        return self._as_cut(attempt, end)

    def _as_cut(self, attempt: str, result: CallResult) -> CallResult:
        """The result of a call that perhaps we ended: the other side did not hang up early then."""
        cut = attempt in self._cut
        self._cut.discard(attempt)
        return replace(result, cut=True) if cut else result

    async def _originate(self, attempt: str, order: Order) -> None:
        try:
            await self._ami.originate(_headers(attempt, order))
        except UnsafeHeaderError:
            raise
        except AmiLostError:
            log.warning("attempt %s: the exchange went away while the call was placed", attempt)
        except AmiError as error:
            raise NotPlacedError(str(error)) from error

    async def _evidence(self, attempt: str) -> CallResult:
        try:
            kept = (await self._ami.stored(variables.RESULTS)).get(attempt)
        except AmiError as error:
            raise CallLostError("the exchange is away") from error
        if kept is None:
            raise CallLostError("the exchange keeps no result")
        return results.parse(kept)

    async def hang_up(self) -> None:
        """End every call that is up, those of an earlier life, too; AmiError when it cannot be asked for."""
        ours = self._open.keys() | self._watched
        for row in await self._ami.calls() if ours else ():
            if (attempt := str(row["Uniqueid"])) in ours:
                self._cut.add(attempt)
                # One that ended in this very moment is not there any more.
                with suppress(AmiError):
                    await self._ami.ask({"Action": "Hangup", "Channel": str(row["Channel"])})

    # --- what the exchange tells ---

    def _on_event(self, event: Event) -> None:
        match event.get("Event"):
            case "UserEvent":
                self._on_report(str(event.get("UserEvent")), str(event.get("Attempt")), event)
            case "Hangup":
                self._on_hangup(event)
            case "OriginateResponse":
                self._on_response(event)

    def _on_report(self, name: str, attempt: str, event: Event) -> None:
        if attempt not in self._open and attempt not in self._watched:
            return
        if name == variables.KEY_EVENT:
            press = results.key_press(*(str(event.get(name, "")) for name in ("Key", "At", "Action")))
            if press is not None:
                self._on_key(attempt, press)
        elif name == variables.RESULT_EVENT:
            self._ended(attempt, results.parse(str(event.get("Result"))))

    def _ended(self, attempt: str, result: CallResult) -> None:
        if call := self._open.get(attempt):
            call.finish(result)
        elif attempt in self._watched:
            self._watched.discard(attempt)
            self._on_late(attempt, self._as_cut(attempt, result))

    def _on_hangup(self, event: Event) -> None:
        """The handler's report comes first; without one only an unanswered call is understood."""
        call = self._open.get(str(event.get("Uniqueid")))
        if call is None:
            return
        if call.answered:
            call.finish(CallLostError("the call ended without a report"))
        else:
            call.finish(results.of_hangup(str(event.get("Cause", "")), str(event.get("TechCause", ""))))

    def _on_response(self, event: Event) -> None:
        attempt = str(event.get("ActionID"))
        call = self._open.get(attempt)
        if call is None:
            return
        if event.get("Response") == "Success":
            call.answered = True
        elif event.get("Uniqueid") != attempt:
            call.finish(NotPlacedError(_NO_WAY))
        else:
            self._soon(self._look_at_failure(attempt, call))

    async def _look_at_failure(self, attempt: str, call: _Call) -> None:
        """A call that failed leaves a result, and its end is told; one that was never begun has neither."""
        await asyncio.sleep(FAILURE_SECONDS)
        if call.end.done():
            return
        with suppress(AmiError):
            if await self._missing({attempt}):
                call.finish(NotPlacedError(_NO_WAY))

    # --- after the connection came back ---

    def _on_up(self) -> None:
        if self._open:
            self._soon(self._look_back(set(self._open)))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look_back(self, attempts: set[str]) -> None:
        """Calls that were under way: ended meanwhile, still up, or, after a second look, lost."""
        try:
            missing = await self._missing(attempts)
            if missing:
                await asyncio.sleep(IN_FLIGHT_SECONDS)
                missing = await self._missing(missing)
        except AmiError:
            return  # the connection broke again; its return looks again
        for attempt in missing:
            if call := self._open.get(attempt):
                call.finish(CallLostError("the exchange knows nothing of the call"))

    async def _missing(self, attempts: set[str]) -> set[str]:
        """Those that are neither up nor have a result; results that are found end their calls."""
        # In this order: a call leaves the list only after its result is kept.
        up = await self._ami.channels()
        kept = await self._ami.stored(variables.RESULTS)
        for attempt in attempts & kept.keys():
            self._ended(attempt, results.parse(kept[attempt]))
        return attempts - up - kept.keys()

    # --- earlier lives ---

    async def look_for(self, attempts: Collection[str]) -> None:
        """Report results of these attempts through `on_late`, at once or when a call that is up ends."""
        wanted = set(attempts) - self._open.keys()
        self._watched &= wanted
        try:
            up = await self._ami.channels()
            self._watched |= wanted & up
            kept = await self._ami.stored(variables.RESULTS)
        except AmiError as error:
            log.debug("results are looked for later: %s", error)
            return
        for attempt in sorted(wanted & kept.keys() - self._settled):
            self._watched.discard(attempt)
            self._on_late(attempt, results.parse(kept[attempt]))

    # --- forgetting ---

    def forget(self, attempts: Collection[str]) -> None:
        """Their results are on disk elsewhere: remove them from the exchange, soon."""
        self._settled.update(attempts)
        if self._settled:
            self._to_forget.set()

    async def _forget_some(self) -> bool:
        """Remove one batch; False when the exchange did not take it."""
        batch = sorted(self._settled)[:FORGET_AT_ONCE]
        headers = {
            "Channel": f"Local/s@{variables.FORGET_CONTEXT}",
            "Application": "NoOp",
            "Variable": f"{variables.FORGET}={'&'.join(batch)}",
        }
        try:
            await self._ami.originate(headers)
        except AmiError as error:
            log.debug("results are removed later: %s", error)
            return False
        self._settled.difference_update(batch)
        if not self._settled:
            self._to_forget.clear()
        return True


def _headers(attempt: str, order: Order) -> dict[str, str | list[str]]:
    handler = f"CHANNEL(hangup_handler_push)={variables.HANGUP_CONTEXT}\\,s\\,1"
    named = {variables.ATTEMPT: attempt} | dict(order.variables)
    return {
        "ActionID": attempt,
        "Channel": order.channel,
        "ChannelId": attempt,
        "Context": order.context,
        "Exten": "s",
        "Priority": "1",
        "CallerID": order.caller_id,
        "Timeout": str(order.ring_seconds * 1000),
        "Variable": [handler, *(f"{name}={_escaped(value)}" for name, value in named.items())],
    }


_ESCAPES = str.maketrans({mark: f"\\{mark}" for mark in '\\,"'})


def _escaped(value: str) -> str:
    """A value as one argument: AMI splits the header at commas and takes quotes away."""
    return value.translate(_ESCAPES)


def pieces(name: str, value: str) -> dict[str, str]:
    """A long value cut into numbered variables that fit AMI's lines; ValueError when they do not suffice."""
    size = variables.PIECE_LENGTH
    cut = [value[start : start + size] for start in range(0, len(value), size)]
    if len(cut) > variables.PIECES:
        raise ValueError(f"{len(value)} characters do not fit into {variables.PIECES} variables")
    return {f"{name}_{number}": piece for number, piece in enumerate(cut)}
