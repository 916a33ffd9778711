"""The voice and fax channels against a real exchange and the town's telephones.

Calls that do not disturb each other are placed at once, so that the whole takes as long as the fax.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, UnsafeHeaderError
from gateway.asterisk.instance import Instance
from gateway.channels.fax import FaxChannel
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.domain import (
    Attempt,
    Content,
    Delivered,
    Event,
    Failed,
    FaxLetter,
    OptedOut,
    Outcome,
    Prompt,
    Receipt,
    Reply,
    ReplyKind,
    Retry,
    RetryKind,
    Script,
    Sounds,
    Unknown,
)
from gateway.settings import FaxSettings, Trunk, VoiceSettings
from gateway.town.audio import measure
from gateway.town.households import number
from gateway.town.ledger import Entry, read_ledger
from gateway.town.town import Town
from tests.exchange import CALLER, Proxy, ami_of, clinic_exchange, fax_renderer, renderer, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRUNK = Trunk(
    max_calls=40, max_faxes=2, calls_per_second=100, ring_seconds=15, detect_machines=False, caller_id=CALLER
)
LINES = trunk_lines({"town": TRUNK})
SCRIPT = Script(person=(Prompt("1.5"), Prompt("1.0")), machine=(Prompt("2.0"), Prompt("0.5")))
VOICE = VoiceSettings(answer_seconds=1.0)

# name -> V of the number (gateway/town/households.py)
CALLS = {
    "confirms": 0,
    "listens": 1,
    "leaves": 2,
    "busy": 3,
    "absent": 4,
    "declines": 5,
    "nobody": 6,
    "voicemail": 7,
    "fax": 8,
    "opts-out": 9,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("voice")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1, pace=0.4) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(folder: Path, town: Town) -> AsyncIterator[Instance]:
    async with clinic_exchange(folder / "clinic", town.address.sip) as instance:
        yield instance


def voice_channel(ami: Ami, folder: Path, trunk: Trunk = TRUNK) -> VoiceChannel:
    return VoiceChannel(ami, trunk_lines({"town": trunk}), VOICE, renderer(folder))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ami(exchange: Instance) -> AsyncIterator[Ami]:
    ami = ami_of(exchange)
    async with running(ami.run):
        await ami.up()
        yield ami


async def _sounds(folder: Path) -> Content:
    return Sounds(await renderer(folder)(SCRIPT.person), await renderer(folder)(SCRIPT.machine))


async def _attempt(folder: Path, message: int, voice: int) -> Attempt:
    return Attempt(1, message, 1, number(voice, 0, message), await _sounds(folder))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(ami: Ami, town: Town, folder: Path) -> tuple[Mapping[str, Outcome], Sequence[Event]]:
    """Every kind of telephone called once, and what the channel said of it."""
    plain = voice_channel(ami, folder)
    careful = voice_channel(ami, folder, TRUNK.model_copy(update={"detect_machines": True}))
    faxes = FaxChannel(
        ami, LINES, FaxSettings(header='Smith, Jones & "Co" – (Ü', station_id=CALLER), fax_renderer(folder)
    )
    letter = await faxes.prepare(FaxLetter("Dr. Roe", "Referral", "See below."))
    events: list[Event] = []

    async def place(voice: int) -> Outcome:
        if voice == 8:
            return await faxes.send(Attempt(1, 8, 1, number(8, 0, 8), letter))
        channel = careful if voice in (0, 7) else plain
        attempt = await _attempt(folder, voice, voice)
        return await channel.send(attempt)

    async with running(lambda: _follow(plain, events), lambda: _follow(careful, events)):
        ended = await asyncio.gather(*map(place, CALLS.values()))
    return dict(zip(CALLS, ended, strict=True)), events


async def _follow(channel: VoiceChannel, events: list[Event]) -> None:
    async for batch in channel.batches(10):
        events += batch


async def _entry(town: Town, address: str) -> Entry:
    """The town's only entry for this number, once the call is over."""
    found: list[Entry] = []

    def over() -> bool:
        found[:] = [entry for entry in read_ledger(town.ledger) if entry.address == address]
        return bool(found) and all(entry.ended for entry in found)

    await until(over)
    assert len(found) == 1
    return found[0]


Outcomes = tuple[Mapping[str, Outcome], Sequence[Event]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("confirms", Delivered("confirmed")),
        ("listens", Delivered("played")),
        ("leaves", Retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("busy", Retry(RetryKind.BUSY, "busy")),
        ("absent", Retry(RetryKind.NO_ANSWER, "no-answer")),
        ("declines", Retry(RetryKind.DECLINED, "declined")),
        ("nobody", Failed("no-such-number", bad_address=True)),
        ("voicemail", Delivered("voicemail")),
        ("fax", Delivered("delivered")),
        ("opts-out", OptedOut("opted-out")),
    ],
)
async def test_what_a_telephone_does_becomes_the_outcome(
    outcomes: Outcomes, name: str, expected: Outcome
) -> None:
    outcome = outcomes[0][name]
    assert (type(outcome), outcome.cause) == (type(expected), expected.cause)
    assert getattr(outcome, "bad_address", None) == getattr(expected, "bad_address", None)
    assert getattr(outcome, "kind", None) == getattr(expected, "kind", None)
    assert outcome.evidence["cause"] is not None


async def test_evidence_holds_codes_but_no_number(outcomes: Outcomes) -> None:
    busy = outcomes[0]["busy"]
    assert (busy.evidence["sip"], busy.evidence["cause"]) == (486, 17)
    for outcome in outcomes[0].values():
        without_station = {key: value for key, value in outcome.evidence.items() if key != "station"}
        assert "555" not in str(without_station)


async def test_keys_are_told_as_replies_that_name_their_attempt(outcomes: Outcomes) -> None:
    told = {(event.kind, event.attempt, event.address) for event in outcomes[1] if isinstance(event, Reply)}
    assert told == {
        (ReplyKind.CONFIRM, "rw-1-0-1", number(0, 0, 0)),
        (ReplyKind.OPT_OUT, "rw-1-9-1", number(9, 0, 9)),
    }


async def test_after_an_opt_out_not_a_word_more_is_spoken(outcomes: Outcomes, town: Town) -> None:
    entry = await _entry(town, number(9, 0, 9))
    assert (entry.pressed, entry.hung_up_by) == ("9", "caller")
    assert 0.3 < entry.voiced_seconds < 2.5


async def test_silence_after_the_message_repeats_it_once(
    outcomes: Outcomes, town: Town, folder: Path
) -> None:
    entry = await _entry(town, number(1, 0, 1))
    once = sum(measure(folder / f"{part}.wav").voiced_seconds for part in ("0-1.5", "1-1.0"))
    assert entry.voiced_seconds == pytest.approx(2 * once, abs=0.5)
    assert entry.hung_up_by == "caller"


async def test_a_voicemail_keeps_the_whole_message_for_machines_after_its_beep(
    outcomes: Outcomes, town: Town, folder: Path
) -> None:
    entry = await _entry(town, number(7, 0, 7))
    said = sum(measure(folder / f"{part}.wav").voiced_seconds for part in ("0-2.0", "1-0.5"))
    assert entry.voiced_seconds == pytest.approx(said, abs=0.3)
    assert outcomes[0]["voicemail"].evidence["machine"] == "MACHINE"


async def test_speech_begins_within_two_seconds_of_a_live_answer(outcomes: Outcomes, town: Town) -> None:
    entry = await _entry(town, number(0, 0, 0))
    assert entry.answered is not None
    assert entry.spoken_to is not None
    assert (entry.spoken_to - entry.answered).total_seconds() < 2.0


async def test_a_fax_goes_by_t38_and_its_evidence_counts_the_pages(outcomes: Outcomes, town: Town) -> None:
    evidence = outcomes[0]["fax"].evidence
    assert (evidence["status"], evidence["pages"], evidence["mode"]) == ("SUCCESS", 1, "T38")
    assert evidence["station"] == number(8, 0, 8)
    entry = await _entry(town, number(8, 0, 8))
    assert (entry.pages, entry.station) == (1, CALLER)


async def test_results_stay_in_the_exchange_until_they_are_acknowledged(
    outcomes: Outcomes, ami: Ami, folder: Path
) -> None:
    attempts = {f"rw-1-{voice}-1" for voice in CALLS.values()}
    assert attempts <= (await ami.stored(variables.RESULTS)).keys()
    channel = voice_channel(ami, folder)
    async with running(channel.run):
        await channel.acknowledge(attempts)
        async with asyncio.timeout(60):
            while attempts & (await ami.stored(variables.RESULTS)).keys():  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "address", ["+1212555\r\nAction: Originate", "+12125550001&PJSIP/+12125550002", "", "+1 212", "９１１"]
)
async def test_an_address_that_is_no_number_reaches_nobody(
    outcomes: Outcomes, ami: Ami, town: Town, folder: Path, address: str
) -> None:
    before = len(read_ledger(town.ledger))
    outcome = await voice_channel(ami, folder).send(Attempt(1, 20, 1, address, await _sounds(folder)))
    assert outcome == Failed("not-a-number", bad_address=True)
    assert len(read_ledger(town.ledger)) == before


@pytest.mark.parametrize("value", ["a\r\nAction: Ping", "a\nb", "a\x00b", "a\x7fb", "x" * 1100])
async def test_values_that_would_break_the_protocol_are_refused(ami: Ami, value: str) -> None:
    with pytest.raises(UnsafeHeaderError):
        await ami.originate({"Channel": "PJSIP/1@trunk-town", "Variable": ["A=b", value]})
    assert ami.is_up


async def test_a_header_with_a_line_break_fails_the_fax_before_anything_is_sent(
    ami: Ami, town: Town, folder: Path
) -> None:
    before = len(read_ledger(town.ledger))
    settings = FaxSettings.model_construct(header="Clinic\r\nAction: Ping", station_id=CALLER, max_pages=9)
    faxes = FaxChannel(ami, LINES, settings, fax_renderer(folder))
    letter = await faxes.prepare(FaxLetter("Dr. Roe", "Referral", "See below."))
    outcome = await faxes.send(Attempt(1, 21, 1, number(8, 0, 21), letter))
    assert isinstance(outcome, Failed)
    assert len(read_ledger(town.ledger)) == before


async def test_a_script_of_many_sounds_is_played_whole(ami: Ami, town: Town, folder: Path) -> None:
    channel = voice_channel(ami, folder)
    many = Script(person=(Prompt("0.05"),) * 40, machine=(Prompt("0.05"),))
    sounds = await channel.prepare(many)
    assert isinstance(sounds, Sounds)
    assert len("&".join(map(str, sounds.person))) > 1500
    outcome = await channel.send(Attempt(1, 22, 1, number(1, 0, 22), sounds))
    assert outcome.cause == "played"
    assert (await _entry(town, number(1, 0, 22))).seconds > 2 * 40 * 0.05


async def test_a_missing_sound_is_never_called_played(ami: Ami, folder: Path) -> None:
    gone = Sounds((folder / "gone.wav",), (folder / "gone.wav",))
    outcome = await voice_channel(ami, folder).send(Attempt(1, 23, 1, number(1, 0, 23), gone))
    assert isinstance(outcome, Retry)
    assert outcome.cause == "sound-missing"


async def test_a_connection_lost_in_mid_call_costs_neither_the_outcome_nor_a_second_call(
    exchange: Instance, town: Town, folder: Path
) -> None:
    async with Proxy(exchange.identity().ami_port) as proxy:
        ami = ami_of(exchange, proxy.port)
        channel = voice_channel(ami, folder)
        events: list[Event] = []
        async with running(channel.run, lambda: _follow(channel, events)):
            await ami.up()
            sending = asyncio.ensure_future(channel.send(await _attempt(folder, 30, 0)))
            await until(lambda: any(e.address == number(0, 0, 30) for e in read_ledger(town.ledger)))
            proxy.silence()
            proxy.cut()
            await until(lambda: not ami.is_up)
            await _entry(town, number(0, 0, 30))
            proxy.resume()
            async with asyncio.timeout(60):
                outcome = await sending
            await until(lambda: bool(events))
    assert (type(outcome), outcome.cause) == (Delivered, "confirmed")
    assert [event.kind for event in events if isinstance(event, Reply)] == [ReplyKind.CONFIRM]
    await _entry(town, number(0, 0, 30))


async def test_an_originate_that_was_written_but_not_heard_is_unknown_and_not_repeated(
    exchange: Instance, town: Town, folder: Path
) -> None:
    async with Proxy(exchange.identity().ami_port) as proxy:
        ami = ami_of(exchange, proxy.port)
        channel = voice_channel(ami, folder)
        async with running(channel.run):
            await ami.up()
            proxy.silence()
            sending = asyncio.ensure_future(channel.send(await _attempt(folder, 31, 0)))
            await asyncio.sleep(0)
            await until(lambda: ami.is_up)
            asyncio.get_running_loop().call_later(0.3, proxy.cut)
            await until(lambda: not ami.is_up)
            proxy.resume()
            async with asyncio.timeout(60):
                outcome = await sending
    assert (type(outcome), outcome.cause) == (Unknown, "exchange-lost")
    assert not [entry for entry in read_ledger(town.ledger) if entry.address == number(0, 0, 31)]


async def test_a_new_life_of_the_gateway_finds_calls_that_ended_and_calls_that_are_up(
    exchange: Instance, town: Town, folder: Path
) -> None:
    first = ami_of(exchange)
    channel = voice_channel(first, folder)
    async with running(channel.run):
        await first.up()
        sends = [
            asyncio.ensure_future(channel.send(await _attempt(folder, message, voice)))
            for message, voice in ((40, 3), (41, 0), (42, 9))
        ]
        await until(lambda: any(e.address == number(9, 0, 42) for e in read_ledger(town.ledger)))
        await sends[0]
    for send in sends:
        send.cancel()
    await asyncio.gather(*sends, return_exceptions=True)
    second = ami_of(exchange)
    channel, events = voice_channel(second, folder), list[Event]()
    async with running(channel.run, lambda: _follow(channel, events)):
        await second.up()
        await channel.reconcile(["rw-1-40-1", "rw-1-41-1", "rw-1-42-1", "rw-1-43-1"])
        await until(lambda: len([event for event in events if isinstance(event, Receipt)]) == 3, 20)
    receipts = {event.attempt: event.outcome for event in events if isinstance(event, Receipt)}
    assert {attempt: outcome.cause for attempt, outcome in receipts.items()} == {
        "rw-1-40-1": "busy",
        "rw-1-41-1": "confirmed",
        "rw-1-42-1": "opted-out",
    }
    replies = {event.attempt: event.kind for event in events if isinstance(event, Reply)}
    assert replies == {"rw-1-41-1": ReplyKind.CONFIRM, "rw-1-42-1": ReplyKind.OPT_OUT}
    for message, voice in ((40, 3), (41, 0), (42, 9)):
        await _entry(town, number(voice, 0, message))


async def test_while_the_exchange_is_away_nothing_may_start_and_nothing_is_charged(folder: Path) -> None:
    ami = Ami("127.0.0.1", 9, "ringwell", "secret")
    channel = voice_channel(ami, folder)
    async with running(channel.run):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.slots(), 0.1)
        outcome = await channel.send(await _attempt(folder, 50, 0))
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)


async def test_a_half_open_connection_is_noticed_within_fifteen_seconds(exchange: Instance) -> None:
    async with Proxy(exchange.identity().ami_port) as proxy:
        ami = ami_of(exchange, proxy.port)
        async with running(ami.run):
            await ami.up()
            proxy.silence()
            await until(lambda: not ami.is_up, 15)
            proxy.resume()
            await until(lambda: ami.is_up, 10)


async def test_a_trunk_that_is_gone_charges_nobody_and_pauses_the_line(
    ami: Ami, town: Town, folder: Path
) -> None:
    channel = voice_channel(ami, folder)
    await town.pause("exchange")
    outcome = await channel.send(await _attempt(folder, 60, 0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.slots(), 0.1)
    await town.resume("exchange")
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)
    assert await asyncio.wait_for(channel.slots(), 20) == 1
    assert (await channel.send(await _attempt(folder, 61, 3))).cause == "busy"
    assert await asyncio.wait_for(channel.slots(), 20) > 1
