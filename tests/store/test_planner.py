"""Rules plan by themselves over days with downtime: nothing twice, nothing stale, nobody forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway import broadcast as planning
from gateway import policy, wording
from gateway.daemon import Plans
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RecipientKind, State
from gateway.known import known_of
from gateway.link import StoreLink
from gateway.planner import Planner
from gateway.policy import Allow, Defer, Refuse, Rules
from gateway.settings import Planning, PolicySettings, Settings
from store import broadcasts, lists, register, renewals, rules
from store.lists import Member
from store.people import Visit
from store.renewals import Renewal
from store.rules import Rule
from store.schema import broadcast, message, occurrence, recipient
from store.settle import Settlement
from tests.store.world import CLINIC, NOON, Clock, World, delivered

ZONE = "America/New_York"
RULES = Rules.of(Settings())
PHONE = {"details": {Channel.SMS: "+12025550100"}}
SEQUENCE = {"offsets": ["7d@10:00", "2d@10:00", "3h"]}


def local(text: str) -> datetime:
    """A clock time of March 2026 in New York: `20 14:00`."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return datetime(2026, 3, int(day), int(hour), int(minute), tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def rule(
    name: str = "Reminders", type: MessageType = MessageType.UPCOMING_APPOINTMENTS, **changes: Any
) -> Rule:
    usual = Rule(
        id=0,
        name=name,
        type=type,
        broadcast_class=BroadcastClass.OTHER,
        channel=Channel.SMS,
        only_preference=True,
        templates=wording.default_templates(type),
        schedule=SEQUENCE,
        by="ana",
    )
    return replace(usual, **changes)


@dataclass
class Clinic:
    """A clinic whose gateway looks at its rules and sends what is due."""

    world: World
    clock: Clock
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    async def add(self, wanted: Rule) -> int:
        number = await self.world.store.run(rules.add, CLINIC, wanted, self.clock())
        assert number is not None
        return number

    def planner(self) -> Planner:
        return Planner(self.world.store, CLINIC, ZONE, lambda: RULES)

    async def book(self, name: str, at: str, client: str = "c1", status: str = "booked") -> None:
        visit = Visit(name, client, None, local(at), "Check-up", "Dr. Ito", status)
        saving = partial(register.save_visits, now=self.clock())
        assert await self.world.store.run(saving, CLINIC, [visit]) == []

    async def run(self, until: str, every: timedelta = timedelta(hours=3)) -> None:
        """Let time pass with a gateway at work: one that has just started."""
        planner = self.planner()
        while self.clock() < local(until):
            await planner.look()
            await self.send()
            self.clock.move(seconds=every.total_seconds())
            if self.clock().astimezone(ZoneInfo(ZONE)).hour >= 21:
                # Nothing goes at night.
                self.clock.now = _morning_after(self.clock())

    async def send(self) -> None:
        """What the dispatcher does with what is due."""
        for item in await self.world.claim():
            (known,), _ = await known_of(self.world.store, CLINIC, [item])
            match policy.decide(known, Channel.SMS, item.address, self.clock(), RULES):
                case Allow():
                    await self.world.start([item.id])
                    timing = known.broadcast.timing
                    at = self.clock().astimezone(ZoneInfo(ZONE)).strftime("%d %H:%M")
                    name = str(known.appointment.id if known.appointment else known.recipient.id)
                    self.sent.append((name, str(timing.offset) if timing else "", at))
                    await self.world.settle(delivered(item.id, item.attempt + 1))
                case Defer(until=until, reason=reason):
                    later = Settlement(item.id, item.attempt, State.SCHEDULED, due_at=until, reason=reason)
                    await self.world.settle(later)
                case Refuse(reason=reason, state=state):
                    await self.world.settle(Settlement(item.id, item.attempt, state, reason=reason))

    async def ended(self) -> dict[tuple[int, str], int]:
        """How many messages of each appointment ended with each reason, beside those that were sent."""
        counts: dict[tuple[int, str], int] = {}
        for row in await self.world.rows(message):
            if row["state"] != "delivered":
                key = (row["appointment"], row["reason"])
                counts[key] = counts.get(key, 0) + 1
        return counts


def _morning_after(moment: datetime) -> datetime:
    there = moment.astimezone(ZoneInfo(ZONE)) + timedelta(days=1)
    return there.replace(hour=8, minute=0).astimezone(UTC)


@pytest.fixture
async def clinic(world: World, clock: Clock) -> Clinic:
    """Tuesday, 10 March, eight in the morning in New York; two clients."""
    for name in ("c1", "c2"):
        await world.person(name, **PHONE)
    return Clinic(world, clock)


async def test_each_appointment_is_reminded_of_at_each_step_and_never_twice(clinic: Clinic) -> None:
    await clinic.add(rule())
    await clinic.book("a1", "20 14:00")
    await clinic.book("a2", "18 14:00", client="c2")
    await clinic.run("21 08:00")
    # At eight, eleven, two, …: the first look after ten o'clock.
    assert clinic.sent == [
        ("2", "7d@10:00", "11 11:00"),
        ("1", "7d@10:00", "13 11:00"),
        ("2", "2d@10:00", "16 11:00"),
        ("1", "2d@10:00", "18 11:00"),
        ("2", "3h", "18 11:00"),
        ("1", "3h", "20 11:00"),
    ]
    assert await clinic.ended() == {}


async def test_after_downtime_what_is_stale_is_skipped_and_recorded_and_the_rest_goes(clinic: Clinic) -> None:
    await clinic.add(rule())
    await clinic.book("a1", "20 14:00")
    await clinic.book("a2", "23 14:00", client="c2")
    await clinic.run("12 12:00")
    # The gateway is down from Thursday to Tuesday: over the first step of both, planned for one already.
    clinic.clock.now = local("17 20:00")
    await clinic.run("23 16:00")
    assert clinic.sent == [
        ("1", "2d@10:00", "18 11:00"),
        ("1", "3h", "20 11:00"),
        ("2", "2d@10:00", "21 11:00"),
        ("2", "3h", "23 11:00"),
    ]
    # The one that was planned is stale itself; for the other the whole day of the rule is.
    assert await clinic.ended() == {(1, "stale"): 1}
    steps = {(row["day"].day, row["step"]): row["state"] for row in await clinic.world.rows(occurrence)}
    assert (steps[20, 0], steps[23, 0], steps[23, 1]) == ("planned", "stale", "planned")


async def test_whoever_is_booked_late_gets_the_steps_that_are_not_stale(clinic: Clinic) -> None:
    await clinic.add(rule())
    await clinic.book("a1", "20 14:00")
    clinic.clock.now = local("17 14:00")
    await clinic.run("19 14:00")
    # Booked on the day before: two days before is a day and a bit ago. A week before nobody planned.
    await clinic.book("a2", "20 16:00", client="c2")
    await clinic.run("20 18:00", timedelta(hours=1))
    late = [one for one in clinic.sent if one[0] == "2"]
    assert late == [("2", "3h", "20 13:00")]
    assert await clinic.ended() == {(2, "stale"): 1}


async def test_an_appointment_that_moves_takes_its_messages_with_it(clinic: Clinic) -> None:
    await clinic.add(rule(schedule={"offsets": ["3h"]}))
    await clinic.book("a1", "11 18:00")
    await clinic.book("a2", "11 13:00", client="c2")
    await clinic.run("11 08:00")
    # One comes sooner, one on another day.
    await clinic.book("a1", "11 12:00")
    await clinic.book("a2", "12 13:00", client="c2")
    await clinic.run("12 14:00", timedelta(hours=1))
    assert clinic.sent == [("1", "3h", "11 09:00"), ("2", "3h", "12 10:00")]
    assert await clinic.ended() == {(2, "appointment-moved"): 1}


async def test_an_appointment_that_is_moved_away_and_back_has_the_steps_that_were_not_sent(
    clinic: Clinic,
) -> None:
    await clinic.add(rule())
    await clinic.book("a1", "20 14:00")
    await clinic.run("17 18:00")
    # The step of the day was planned before it left the day, and it comes back in time.
    await clinic.book("a1", "26 14:00")
    await clinic.run("18 09:00")
    await clinic.book("a1", "20 14:00")
    await clinic.run("21 08:00")
    assert clinic.sent == [
        ("1", "7d@10:00", "13 11:00"),
        ("1", "2d@10:00", "18 11:00"),
        ("1", "3h", "20 11:00"),
    ]


async def test_what_was_sent_before_an_appointment_moved_away_and_back_is_not_sent_again(
    clinic: Clinic,
) -> None:
    await clinic.add(rule(schedule={"offsets": ["2d@10:00"]}))
    await clinic.book("a1", "20 14:00")
    await clinic.run("18 18:00")
    for day in ("25", "20"):
        await clinic.book("a1", f"{day} 14:00")
        await clinic.run("19 08:00")
    await clinic.run("21 08:00")
    assert clinic.sent == [("1", "2d@10:00", "18 11:00")]


async def test_an_appointment_that_is_called_off_and_booked_again_is_reminded_of(clinic: Clinic) -> None:
    await clinic.add(rule(schedule={"offsets": ["2d@10:00", "3h"]}))
    await clinic.book("a1", "20 14:00")
    await clinic.run("18 09:00")
    await clinic.book("a1", "20 14:00", status="cancelled")
    await clinic.run("18 18:00")
    assert clinic.sent == []
    await clinic.book("a1", "20 14:00")
    await clinic.run("21 08:00")
    assert clinic.sent == [("1", "2d@10:00", "18 20:00"), ("1", "3h", "20 11:00")]


async def test_an_appointment_that_is_given_to_another_client_is_told_to_that_one_alone(
    clinic: Clinic,
) -> None:
    await clinic.add(rule(schedule={"offsets": ["2d@10:00"]}))
    await clinic.book("a1", "20 14:00")
    await clinic.run("17 18:00")
    await clinic.book("a1", "20 14:00", client="c2")
    await clinic.run("21 08:00")
    told = await clinic.world.rows(message, appointment=1)
    assert {(row["recipient"], row["state"], row["reason"]) for row in told} == {
        (1, "cancelled", "appointment-of-another"),
        (2, "delivered", None),
    }


async def test_a_rule_that_is_deleted_and_added_again_tells_nobody_twice(clinic: Clinic) -> None:
    wanted = rule(schedule={"offsets": ["2d@10:00"]})
    old = await clinic.add(wanted)
    await clinic.book("a1", "12 14:00")
    await clinic.book("a2", "13 14:00", client="c2")
    await clinic.run("10 14:00")
    for ahead in await clinic.world.store.read(rules.planned, CLINIC, old):
        await clinic.world.store.run(broadcasts.cancel, CLINIC, ahead, clinic.clock())
    await clinic.world.store.run(rules.delete, CLINIC, old, clinic.clock())
    new = await clinic.add(wanted)
    await clinic.run("12 12:00")
    assert clinic.sent == [("1", "2d@10:00", "10 11:00"), ("2", "2d@10:00", "11 11:00")]
    # The day that was told is written down as too late for the new rule.
    days = {row["day"].day: row["state"] for row in await clinic.world.rows(occurrence, rule=new)}
    assert (days[12], days[13]) == ("stale", "planned")


async def test_of_one_day_a_new_rule_tells_those_whose_time_is_to_come(clinic: Clinic) -> None:
    await clinic.book("a1", "11 10:00")
    await clinic.book("a2", "11 18:00", client="c2")
    clinic.clock.now = local("10 12:00")
    await clinic.add(rule(schedule={"offsets": ["1d"]}))
    await clinic.run("11 20:00")
    assert clinic.sent == [("2", "1d", "10 18:00")]
    assert await clinic.ended() == {(1, "stale"): 1}


@pytest.mark.parametrize(("at", "told"), [("10 20:00", 0), ("10 08:00", 2)])
async def test_a_broadcast_for_later_that_was_missed_is_stale_and_one_for_now_is_not(
    clinic: Clinic, at: str, told: int
) -> None:
    order = await clinic.world.broadcast(send_at=local(at))
    async for _ in planning.plan(clinic.world.store, CLINIC, order, RULES):
        pass
    clinic.clock.now = local("12 12:00")
    await clinic.send()
    assert len(clinic.sent) == told
    assert await clinic.ended() == ({} if told else {(0, "stale"): 2})


async def test_several_gateways_plan_each_day_once(clinic: Clinic) -> None:
    number = await clinic.add(rule())
    await clinic.book("a1", "20 14:00")
    clinic.clock.now = local("17 12:00")
    planners = [clinic.planner() for _ in range(4)]
    made = await asyncio.gather(*(one.look() for one in planners))
    planned = [row for row in await clinic.world.rows(occurrence) if row["state"] == "planned"]
    assert sum(made) == len(planned) == len(await clinic.world.rows(broadcast, rule=number))
    assert len({row["broadcast"] for row in planned}) == len(planned)
    assert len(await clinic.world.rows(message, appointment=1)) == 1
    assert sum(await asyncio.gather(*(one.look() for one in planners))) == 0


async def test_a_rule_that_is_switched_off_plans_nothing_and_one_that_fails_stops_no_other(
    clinic: Clinic,
) -> None:
    off = await clinic.add(rule("Off"))
    await clinic.world.store.run(rules.switch, CLINIC, off, False)
    every = {"every": "daily", "at": "12:00"}
    gone = rule("Gone", MessageType.CLIENT_LIST, schedule=every, list_name="Nobody")
    await clinic.add(gone)
    await clinic.add(rule("Notice", MessageType.CLIENT_NOTICE, schedule=every))
    assert await clinic.planner().look() == 1
    (order,) = await clinic.world.rows(broadcast)
    assert order["name"] == "Notice 2026-03-10"
    order = await clinic.world.store.read(broadcasts.find, CLINIC, 1)
    assert order is not None
    wanted = await clinic.world.store.run(rules.claim, CLINIC, off, date(2026, 3, 30), 0, order, NOON)
    assert wanted is None


async def test_a_daily_notice_goes_once_a_day_and_a_list_is_the_newest(clinic: Clinic) -> None:
    kind, save = RecipientKind.CLIENT, clinic.world.store.run
    await save(lists.save, CLINIC, "Group", kind, (), [Member("c1", {})], NOON)
    await clinic.add(
        rule("Group", MessageType.CLIENT_LIST, schedule={"every": "daily", "at": "12:00"}, list_name="Group")
    )
    await clinic.run("11 18:00")
    await save(lists.save, CLINIC, "Group", kind, (), [Member("c2", {})], NOON)
    await clinic.run("13 18:00")
    # The broadcast of the twelfth was made a day ahead.
    assert clinic.sent == [
        ("1", "", "10 14:00"),
        ("1", "", "11 14:00"),
        ("1", "", "12 14:00"),
        ("2", "", "13 14:00"),
    ]


async def test_birthdays_and_renewals_have_rules_too(clinic: Clinic) -> None:
    born = date(1980, 3, 14)
    greeted = await clinic.world.person("c3", birth_date=born, **PHONE)
    licence = Renewal("r1", RecipientKind.CLIENT, "c1", "Licence", date(2026, 3, 20))
    await clinic.world.store.run(renewals.save, CLINIC, [licence])
    greeting = {"offsets": ["0d@10:00"], "business_days": True}
    await clinic.add(rule("Birthdays", MessageType.BIRTHDAYS, schedule=greeting))
    await clinic.add(
        rule("Renewals", MessageType.UPCOMING_RENEWALS, schedule={"offsets": ["4d", "1d@09:00"]})
    )
    await clinic.run("21 08:00")
    # The fourteenth is a Saturday.
    assert clinic.sent == [
        (str(greeted), "0d@10:00", "13 11:00"),
        ("1", "4d", "16 11:00"),
        ("1", "1d@09:00", "19 11:00"),
    ]


async def test_rules_are_listed_found_and_deleted_and_a_name_is_taken_once(clinic: Clinic) -> None:
    store, wanted = clinic.world.store, rule(cascade=[["voice", 3600.0]], list_name="Group")
    number = await clinic.add(wanted)
    assert await store.run(rules.add, CLINIC, wanted, NOON) is None
    found = await store.read(rules.find, CLINIC, "Reminders")
    assert found == replace(wanted, id=number, created_at=NOON)
    assert await store.read(rules.listing, CLINIC) == [found]
    await clinic.book("a1", "12 14:00")
    await clinic.planner().look()
    planned = await store.read(rules.planned, CLINIC, number)
    days = await store.read(rules.occurrences, CLINIC, number, date(2026, 3, 10))
    assert sorted(planned) == sorted(day.broadcast for day in days if day.broadcast)
    assert [one.rule for one in await store.read(rules.waiting, CLINIC, NOON)] == [number] * len(planned)
    await store.run(rules.delete, CLINIC, number, NOON)
    assert await store.read(rules.find, CLINIC, "Reminders") is None
    assert await store.read(rules.waiting, CLINIC, NOON) == []
    await clinic.add(wanted)


async def test_the_gateway_keeps_the_rules_by_the_settings_in_force(clinic: Clinic) -> None:
    await clinic.add(rule("Notice", MessageType.CLIENT_NOTICE, schedule={"every": "daily", "at": "12:00"}))
    plans = Plans(StoreLink(clinic.world.store), Settings())
    await plans.keep_rules()
    assert [row["day"].day for row in await clinic.world.rows(occurrence)] == [10]
    further = PolicySettings(planning=Planning(ahead_hours=72))
    plans.adopt(Settings(policy=further))
    await plans.keep_rules()
    assert sorted(row["day"].day for row in await clinic.world.rows(occurrence)) == [10, 11, 12]


# --- catching up ---

FIRST = date(2026, 3, 10)
DAYS = [FIRST + timedelta(days=ahead) for ahead in range(35)]
NEVER = datetime.max.replace(tzinfo=UTC)
CATCHING_UP: dict[str, tuple[MessageType, dict[str, Any]]] = {
    "Sequence": (MessageType.UPCOMING_APPOINTMENTS, SEQUENCE),
    "Business": (MessageType.UPCOMING_APPOINTMENTS, {"offsets": ["1d@16:00"], "business_days": True}),
    "Renewals": (MessageType.UPCOMING_RENEWALS, {"offsets": ["14d", "3d"]}),
    "Monthly": (MessageType.UPCOMING_RENEWALS, {"every": "monthly", "on": "31", "at": "12:00", "span": 3}),
    "Birthdays": (MessageType.BIRTHDAYS, {"offsets": ["0d@09:00"]}),
    "Daily": (MessageType.CLIENT_LIST, {"every": "daily", "at": "12:00"}),
    "Weekly": (MessageType.CLIENT_LIST, {"every": "weekly", "on": "thu", "at": "11:00"}),
}

# (rule, client or day, step)
Told = tuple[str, str, str]


def clock_time(day: date, hour: int, back: int = 0) -> datetime:
    """A clock time so many days before a day."""
    there = datetime.combine(day - timedelta(days=back), datetime.min.time(), ZoneInfo(ZONE))
    return there.replace(hour=hour).astimezone(UTC)


def meant() -> list[tuple[Told, datetime, datetime]]:
    """What these rules want told, when, and from when on it is of no use; written by hand."""
    found: list[tuple[Told, datetime, datetime]] = []
    for day in DAYS:
        visitor, holder = f"a{day}", f"r{day}"
        two, three, visit = clock_time(day, 10, 2), clock_time(day, 11), clock_time(day, 14)
        back = {0: 3, 6: 2}.get(day.weekday(), 1)
        ends = clock_time(day + timedelta(days=1), 0)
        found += [
            (("Sequence", visitor, "7d@10:00"), clock_time(day, 10, 7), two),
            (("Sequence", visitor, "2d@10:00"), two, three),
            (("Sequence", visitor, "3h"), three, visit),
            (("Business", visitor, "1d@16:00"), clock_time(day, 16, back), visit),
            (("Renewals", holder, "14d"), clock_time(day, 10, 14), clock_time(day, 10, 3)),
            (("Renewals", holder, "3d"), clock_time(day, 10, 3), ends),
            (("Birthdays", f"b{day}", "0d@09:00"), clock_time(day, 9), ends),
            (("Daily", f"{day}", ""), clock_time(day, 12), clock_time(day + timedelta(days=1), 12)),
        ]
        if date(2026, 3, 31) <= day <= date(2026, 4, 2):
            found.append((("Monthly", holder, ""), clock_time(date(2026, 3, 31), 12), ends))
        if day.weekday() == 3:
            found.append((("Weekly", f"{day}", ""), clock_time(day, 11), NEVER))
    return found


async def populate(clinic: Clinic) -> None:
    """For each day somebody with an appointment at two, with a renewal, and with a birthday."""
    store = clinic.world.store
    for number, day in enumerate(DAYS):
        for place, group in enumerate("arb"):
            phone = {Channel.SMS: f"+1202555{number * 3 + place:04}"}
            born = day.replace(year=1980) if group == "b" else None
            await clinic.world.person(f"{group}{day}", details=phone, birth_date=born)
        await clinic.world.visit(f"v{day}", f"a{day}", starts_at=clock_time(day, 14))
    licences = [Renewal(f"{day}", RecipientKind.CLIENT, f"r{day}", "Licence", day) for day in DAYS]
    await store.run(renewals.save, CLINIC, licences)
    await clinic.world.person("listed", details={Channel.SMS: "+12025559999"})
    listed = [Member("listed", {})]
    await store.run(lists.save, CLINIC, "Group", RecipientKind.CLIENT, (), listed, NOON)
    for name, (type, kept) in CATCHING_UP.items():
        group = "Group" if type is MessageType.CLIENT_LIST else None
        await clinic.add(rule(name, type, schedule=kept, list_name=group))


async def told(clinic: Clinic) -> list[Told]:
    orders = {row["id"]: row["name"] for row in await clinic.world.rows(broadcast)}
    people = {row["id"]: row["external_id"] for row in await clinic.world.rows(recipient)}
    found = []
    for row in await clinic.world.rows(message, state="delivered"):
        name, day, *step = orders[row["broadcast"]].split()
        who = people[row["recipient"]]
        found.append((name, day if who == "listed" else who, "".join(step)))
    return sorted(found)


# Weeks of a clinic: on one engine.
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("down", [timedelta(hours=1), timedelta(days=3), timedelta(weeks=3)])
async def test_after_downtime_rules_of_every_kind_tell_what_is_not_stale_and_nothing_else(
    clinic: Clinic, down: timedelta
) -> None:
    await populate(clinic)
    planner, looks = clinic.planner(), []
    stops, up = local("11 10:30"), local("11 10:30") + down
    while clinic.clock() < up + timedelta(days=2):
        looks.append(clinic.clock())
        await planner.look()
        await clinic.send()
        clinic.clock.move(hours=3)
        if clinic.clock().astimezone(ZoneInfo(ZONE)).hour >= 21:
            # Nothing goes at night.
            clinic.clock.now = _morning_after(clinic.clock())
        if stops <= clinic.clock() < up:
            planner, clinic.clock.now = clinic.planner(), up
    expected = []
    for what, moment, useless in meant():
        goes = next((look for look in looks if look >= moment), NEVER)
        # A rule begins when it is made.
        is_meant = moment >= looks[0]
        if is_meant and goes < useless and goes <= moment + timedelta(hours=24):
            expected.append(what)
    assert await told(clinic) == sorted(expected)
    kinds = {what[0] for what in expected}
    assert kinds >= {"Sequence", "Business", "Renewals", "Birthdays", "Daily"}
    assert ("Monthly" in kinds, "Weekly" in kinds) == (down.days == 21, down.days != 3)


async def test_what_a_rule_planned_is_found_by_its_time_and_cancelled_together(world: World) -> None:
    number = await world.store.run(rules.add, CLINIC, rule(), NOON)
    assert number is not None
    found = await world.store.read(rules.of_number, CLINIC, number)
    assert found is not None
    assert (found.id, found.name) == (number, "Reminders")
    order = any_order(number)
    made = await world.store.run(rules.claim, CLINIC, number, date(2026, 3, 12), 0, order, NOON)
    assert made is not None
    await world.messages(2, State.SCHEDULED, broadcast=made)
    day = timedelta(days=1)
    (one,) = await world.store.read(rules.made_between, CLINIC, NOON, NOON + day)
    assert (one.rule, one.broadcast, one.send_at, one.state) == (number, made, NOON, "planning")
    assert await world.store.read(rules.made_between, CLINIC, NOON + day, NOON + 2 * day) == []
    assert await world.store.run(rules.cancel_planned, CLINIC, number, NOON) == 2
    assert await world.store.read(rules.planned, CLINIC, number) == []
    await world.store.run(rules.delete, CLINIC, number, NOON)
    assert await world.store.read(rules.of_number, CLINIC, number) is None


def any_order(number: int) -> Broadcast:
    """What a rule of this number might plan, to go at noon."""
    kind, about = MessageType.UPCOMING_APPOINTMENTS, BroadcastClass.OTHER
    return Broadcast(0, "Reminders", kind, about, Channel.SMS, True, NOON, None, None, {}, rule=number)
