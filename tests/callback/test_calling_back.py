"""Patients of the town call the clinic's number back, on the two real exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select, update

from gateway import wording
from gateway.asterisk.agi import callback_address
from gateway.asterisk.instance import Instance
from gateway.asterisk.live import calls_in_progress
from gateway.asterisk.provision import provision
from gateway.callback import words
from gateway.callback.desk import Desk
from gateway.callback.service import CallBack
from gateway.callback.talk import Line
from gateway.channels.voice import rendered
from gateway.domain import (
    Broadcast,
    BroadcastClass,
    Channel,
    LiveCall,
    MessageType,
    RecipientKind,
    Script,
    State,
)
from gateway.exchange import configured_instance
from gateway.intake import Intake
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.rendering import library_of, speech
from gateway.settings import Settings, cache_folder
from gateway.town.households import number
from gateway.town.phones import OUTSIDE, PhoneCall, Phones
from gateway.town.town import Town
from store import broadcasts, facts, history, migrate, register
from store.engine import Store
from store.people import Person, Visit
from store.schema import appointment, consent, message
from tests.exchange import ami_of, running, until
from tests.studio.world import holds, same

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLINIC = 1
CLINICS_NUMBER, OPT_OUT_LINE = "12025550100", "12025550199"
ROSA, BEN, EVA = (number(0, 0, index) for index in (71, 72, 73))


@dataclass
class World:
    settings: Settings
    store: Store
    phones: Phones
    exchange: Instance
    service: Answering
    words: tuple[Path, ...] = ()

    async def call(self, *steps: str, caller: str = ROSA, dialled: str = CLINICS_NUMBER) -> PhoneCall:
        """Somebody calls the clinic."""
        port = self.exchange.identity().sip_port
        call = await self.phones.call(port, dialled, steps, side=OUTSIDE, caller=caller)
        # The town writes the recording's last bytes, and the first ones, after it told of the end.
        heard = call.heard
        assert heard is not None
        await until(lambda: heard.exists() and heard.read_bytes()[8:12] == b"WAVE")
        return call

    async def consents(self, person: int) -> bool:
        """Whether somebody may still be contacted."""
        newest = select(consent.c.given).where(consent.c.recipient == person).order_by(consent.c.id.desc())
        return bool(await self.store.read(lambda conn: conn.execute(newest.limit(1)).scalar_one()))

    async def up(self) -> list[LiveCall]:
        """The calls that are up, asked over another connection than the service's."""
        ami = ami_of(self.exchange)
        async with running(ami.run):
            await ami.up()
            return await calls_in_progress(ami)

    async def reached(self, stage: str) -> LiveCall:
        """The only call, as soon as it is at this stage."""
        async with asyncio.timeout(60):
            while not (found := [call for call in await self.up() if call.stage == stage]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return found[0]

    async def told(self, address: str, *kinds: str) -> None:
        """Wait until somebody's keys are on record: they are taken when the call is over."""
        async with asyncio.timeout(60):
            while not {(address, kind) for kind in kinds} <= set(await self.replies()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def replies(self) -> list[tuple[str, str]]:
        """(address, kind) of all replies."""
        return [(row["address"], row["kind"]) for row in await self.store.read(history.replies, CLINIC)]


def heard(call: PhoneCall, files: tuple[Path, ...]) -> bool:
    """Whether one of the longer sounds of a message was heard in a call."""
    assert call.heard is not None
    longer = sorted(files, key=lambda file: file.stat().st_size)[-3:]
    return any(holds(call.heard, file) for file in longer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("callback")
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    async with Town(folder / "town", seed=1, pace=0.3) as town, town.phones() as phones:
        settings = Settings.model_validate(
            {
                "instance": folder / "clinic",
                "trunks": {"town": {"port": town.address.sip, "qualify_seconds": 0}},
                "callback": {"enabled": True, "opt_out_number": f"+{OPT_OUT_LINE}", "tries_per_hour": 4},
            }
        )
        exchange = configured_instance(settings)
        await exchange.start()
        try:
            async with Store(settings.store_url) as store:
                await migrate.upgrade(store)
                async with Answering(settings, store, exchange) as service:
                    yield await peopled(World(settings, store, phones, exchange, service))
        finally:
            await exchange.stop()


class Answering:
    """The call-back service as the daemon runs it."""

    def __init__(self, settings: Settings, store: Store, exchange: Instance) -> None:
        self._settings, self._store, self._exchange = settings, store, exchange

    async def __aenter__(self) -> Answering:
        link = StoreLink(self._store)
        intake = Intake(link, Outbox(link, self._settings, "t/1"), self._settings, "t/1")
        self._library = library_of(self._settings)
        await self._library.__aenter__()
        ami = ami_of(self._exchange)
        desk = Desk(self._store, self._settings, self._library, {}, intake.record)
        service = CallBack(self._settings, desk, ami, callback_address(self._exchange.folder))
        self._running = running(ami.run, service.run)
        await self._running.__aenter__()
        await ami.up()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._running.__aexit__(None, None, None)
        await self._library.__aexit__(None, None, None)


async def peopled(world: World) -> World:
    """Clients with a reminder each that was sent, and the sounds of the first one's."""
    now = world.store.clock()
    people = (
        ("rosa", ROSA, date(1980, 3, 5)),
        ("ben", BEN, date(1975, 12, 24)),
        ("eva", EVA, date(1990, 7, 8)),
    )
    for name, address, born in people:
        person = Person(
            RecipientKind.CLIENT,
            name,
            name.title(),
            "Costa",
            "en",
            details={Channel.VOICE: address, Channel.SMS: address},
            consent=True,
            birth_date=born,
        )
        await world.store.run(register.save_person, CLINIC, person, now)
        visit = Visit(name, name, None, now + timedelta(days=2), "Check-up", "Dr. Ito")
        await world.store.run(register.save_visit, CLINIC, visit)
    order = Broadcast(
        id=0,
        name="Reminders",
        type=MessageType.UPCOMING_APPOINTMENTS,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.VOICE,
        only_preference=False,
        send_at=now,
        starts_from=None,
        starts_until=None,
        templates=wording.default_templates(MessageType.UPCOMING_APPOINTMENTS),
    )
    broadcast = await world.store.run(broadcasts.order, CLINIC, order, now)
    await world.store.run(_sent, broadcast, now)
    known = await world.store.read(broadcasts.find, CLINIC, broadcast)
    assert known is not None
    page = await world.store.read(facts.load, CLINIC, [(known, 1, 1)])
    script = wording.compose(page.facts[0], Channel.VOICE, world.settings.clinic, {})
    assert isinstance(script, Script)
    async with library_of(world.settings) as library:
        world.words = (await rendered(script, speech(library))).person
    return world


def _sent(conn: Connection, broadcast: int, now: object) -> None:
    for person, address in ((1, ROSA), (2, BEN), (3, EVA)):
        values = {"clinic": CLINIC, "id": person, "broadcast": broadcast, "recipient": person}
        values |= {"channel": "voice", "appointment": person, "step": 0, "address": address}
        values |= {"state": State.DELIVERED.value, "due_at": now, "attempt": 1, "charged": 1}
        conn.execute(message.insert().values(**values, started_at=now, updated_at=now))


async def test_the_right_birthday_hears_the_message_and_a_key_confirms(world: World) -> None:
    call = await world.call("hear", "press:0305", "stay:16", "press:1", "stay:4")
    assert heard(call, world.words)
    assert call.left == "other"
    await world.told(ROSA, "confirm")
    confirmed = select(appointment.c.confirmed_at).where(appointment.c.external_id == "rosa")
    assert await world.store.read(lambda conn: conn.execute(confirmed).scalar_one()) is not None


async def test_wrong_birthdays_and_unknown_numbers_hear_the_same_and_no_message(
    world: World,
) -> None:
    wrong = ("hear", "press:0101", "stay:2", "press:0102", "stay:2", "press:0103", "stay:9")
    known, unknown = await world.call(*wrong, caller=BEN), await world.call(*wrong, caller=number(0, 0, 99))
    assert known.left == unknown.left == "other"
    assert not heard(known, world.words)
    assert known.heard is not None
    assert unknown.heard is not None
    async with library_of(world.settings) as library:
        told = (words.spoken(Line.NOT_FOUND, world.settings.clinic.name, "US", "en"),)
        (not_found,) = await library.render(told)
    assert holds(known.heard, not_found)
    assert same(known.heard, unknown.heard)


async def test_a_number_that_guessed_too_often_is_not_even_told_the_right_day(world: World) -> None:
    await world.call("hear", "press:0101", "stay:3", caller=BEN)
    call = await world.call("hear", "press:1224", "stay:9", caller=BEN)
    assert not heard(call, world.words)
    assert call.left == "other"


async def test_a_withheld_number_is_asked_for(world: World) -> None:
    call = await world.call(
        "hear", f"press:{ROSA[2:]}#", "stay:2", "press:0305", "stay:14", caller="anonymous"
    )
    assert heard(call, world.words)


async def test_the_opt_out_line_takes_consent_away_at_once(world: World) -> None:
    # Providers differ in how they write the number that was dialled.
    call = await world.call("hear", "press:9", "stay:6", caller=BEN, dialled=OPT_OUT_LINE.removeprefix("1"))
    assert call.left == "other"
    assert not await world.consents(2)
    assert (BEN, "opt-out") in await world.replies()
    stranger = number(0, 0, 98)
    await world.call("hear", "press:9", "stay:6", caller=stranger, dialled=OPT_OUT_LINE)
    assert (stranger, "opt-out") in await world.replies()


async def test_a_call_back_is_seen_among_the_calls_in_progress(world: World) -> None:
    calling = asyncio.create_task(world.call("hear", "stay:8", "press:0708", "stay:6", caller=EVA))
    asked = await world.reached("being asked who calls")
    assert (asked.back, asked.message, asked.trunk) == (True, 0, "town")
    playing = await world.reached("playing the message")
    assert (playing.back, playing.message, playing.trunk) == (True, 3, "town")
    assert asked.seconds <= playing.seconds < 30
    await calling


async def test_a_key_that_opts_out_of_a_message_ends_the_call_and_all_contact(world: World) -> None:
    call = await world.call("hear", "press:0708", "stay:4", "press:9", "stay:9", caller=EVA)
    assert call.left == "other"
    await world.told(EVA, "opt-out")
    assert not await world.consents(3)


async def test_keys_pressed_while_the_gateway_is_dead_are_found_when_it_is_back(world: World) -> None:
    before = await world.replies()
    steps = ("hear", "press:0708", "stay:10", "press:3", "stay:2", "press:1", "stay:9")
    calling = asyncio.create_task(world.call(*steps, caller=EVA))
    await world.reached("playing the message")
    await world.service.__aexit__()
    call = await calling
    assert call.left == "other"
    assert await world.replies() == before
    await world.service.__aenter__()
    await world.told(EVA, "other", "confirm")
    assert (await world.replies())[len(before) :] == [(EVA, "other"), (EVA, "confirm")]


async def test_a_number_that_is_entered_in_many_ways_has_no_more_tries(world: World) -> None:
    async def nothing(events: object) -> None: ...

    async with library_of(world.settings) as library:
        desk = Desk(world.store, world.settings, library, {}, nothing)
        tries = ("2125550073", "12125550073", "+12125550073", "01112125550073")
        assert [await desk.find(entered, "0101") for entered in tries] == [(None, True)] * 4
        assert await desk.find(EVA, "0708") == (None, False)
    assert desk.known_as("2125550073") == EVA == number(0, 0, 73)


async def test_an_appointment_that_was_cancelled_is_not_read_out(world: World) -> None:
    gone = update(appointment).where(appointment.c.external_id == "rosa").values(status="cancelled")
    await world.store.run(lambda conn: conn.execute(gone))
    call = await world.call("hear", "press:0305", "stay:9")
    assert not heard(call, world.words)
    assert call.left == "other"
