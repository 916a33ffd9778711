"""History in pages and through filters, and what Today counts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain import Channel, State
from store import history, overview
from store.history import Filter
from tests.store.world import CLINIC, NOON, World, delivered


async def test_pages_go_down_and_up_again(world: World) -> None:
    person = await world.person()
    down = [await world.message(recipient=person, step=step) for step in range(7)][::-1]

    async def page(**where: int) -> list[int]:
        found = await world.store.read(history.entries, CLINIC, Filter(), 3, **where)
        return [entry.id for entry in found]

    assert await page() == down[:3]
    assert await page(before=down[2]) == down[3:6]
    assert await page(before=down[5]) == down[6:]
    assert await page(before=down[6]) == []
    assert await page(after=down[3]) == down[:3]
    assert await page(after=down[5]) == down[2:5]
    assert await page(after=down[0]) == []


async def test_an_entry_shows_whom_when_and_what_became_of_it(world: World) -> None:
    person = await world.person(given_name="Rosa", family_name="")
    number = await world.message(State.SENDING, recipient=person, broadcast=4)
    world.clock.move(seconds=9)
    await world.settle(delivered(number, started_at=NOON))
    entry = await world.store.read(history.entry, CLINIC, number)
    assert entry is not None
    assert (entry.name, entry.recipient, entry.broadcast) == ("Rosa", person, 4)
    assert (entry.channel, entry.address, entry.state) == ("sms", "+12025550100", State.DELIVERED)
    assert (entry.outcome, entry.cause, entry.reason) == ("delivered", "receipt-delivered", None)
    assert (entry.attempts, entry.started_at) == (1, NOON)
    assert entry.updated_at == NOON + timedelta(seconds=9)
    assert await world.store.read(history.entry, CLINIC, 999) is None
    assert await world.store.read(history.entry, 2, number) is None


async def test_each_filter_leaves_out_what_it_should(world: World) -> None:
    person = await world.person()
    plain = await world.message(State.DELIVERED, recipient=person)
    other_broadcast = await world.message(State.DELIVERED, recipient=person, broadcast=2)
    failed = await world.message(State.FAILED, recipient=person, step=1)
    call = await world.message(State.DELIVERED, recipient=person, channel="voice", step=2)
    old = await world.message(State.DELIVERED, recipient=person, step=3, updated_at=NOON - timedelta(days=2))
    everything = {plain, other_broadcast, failed, call, old}
    cases: tuple[tuple[Filter, set[int]], ...] = (
        (Filter(), everything),
        (Filter(broadcast=2), {other_broadcast}),
        (Filter(state=State.FAILED), {failed}),
        (Filter(states=(State.FAILED, State.EXPIRED)), {failed}),
        (Filter(states=()), set()),
        (Filter(channel="voice"), {call}),
        (Filter(since=NOON - timedelta(days=1)), everything - {old}),
        (Filter(broadcast=1, state=State.DELIVERED, channel="sms", since=NOON), {plain}),
    )
    for wanted, expected in cases:
        found = await world.store.read(history.entries, CLINIC, wanted)
        assert {entry.id for entry in found} == expected, wanted
        counted = await world.store.read(history.counts, CLINIC, wanted)
        assert sum(counted.values()) == len(expected), wanted


async def test_counts_go_by_broadcast_channel_state_and_cause(world: World) -> None:
    await world.messages(3, State.FAILED, cause="busy")
    await world.messages(2, State.FAILED, cause="no-answer", channel="voice", broadcast=2)
    assert await world.store.read(history.counts, CLINIC, Filter()) == {
        (1, "sms", State.FAILED, "busy"): 3,
        (2, "voice", State.FAILED, "no-answer"): 2,
    }


async def test_attempts_are_listed_oldest_first(world: World) -> None:
    one, other = await world.messages(2, State.SENDING)
    await world.settle(delivered(other), delivered(one))
    everything = await world.store.read(history.attempts, CLINIC)
    assert [(row["message"], row["number"]) for row in everything] == [(one, 1), (other, 1)]
    chosen = await world.store.read(history.attempts, CLINIC, [other])
    assert [row["message"] for row in chosen] == [other]
    assert await world.store.read(history.attempts, CLINIC, []) == []


async def test_recipients_are_found_by_the_id_of_the_import(world: World) -> None:
    first = await world.person("c1")
    await world.person("c2")
    find = history.recipients_by_external_id
    assert await world.store.read(find, CLINIC, ["c1", "nobody"]) == {first}
    assert await world.store.read(find, CLINIC, []) == set()


async def test_today_shows_the_days_broadcasts_and_earlier_ones_under_way(world: World) -> None:
    day = {"since": NOON - timedelta(hours=12), "until": NOON + timedelta(hours=12)}
    done, going, today, tomorrow = [
        await world.broadcast(name=name, send_at=NOON + timedelta(days=days))
        for name, days in (("done", -2), ("going", -1), ("today", 0), ("tomorrow", 1))
    ]
    await world.message(State.DELIVERED, broadcast=done.id)
    for state in (State.SCHEDULED, State.SENDING):
        await world.message(state, broadcast=going.id)
    shown = await world.store.read(overview.of_day, CLINIC, **day)
    assert [heading.name for heading in shown] == ["today", "going"]
    newest = await world.store.read(overview.headings, CLINIC, 3)
    assert [heading.id for heading in newest] == [tomorrow.id, today.id, going.id]


async def test_tallies_and_outcomes_are_of_the_broadcasts_asked_for(world: World) -> None:
    numbers = await world.messages(3, State.SENDING, broadcast=1)
    others = await world.messages(2, State.SENDING, broadcast=2)
    await world.settle(*(delivered(number) for number in numbers[:2]))
    world.clock.move(minutes=20)
    await world.settle(delivered(numbers[2], cause="read"), *(delivered(number) for number in others))
    tally = await world.store.read(overview.tally, CLINIC, [1])
    assert sorted(tally) == [
        (1, Channel.SMS, State.DELIVERED, "read", 1),
        (1, Channel.SMS, State.DELIVERED, "receipt-delivered", 2),
    ]
    since = NOON - timedelta(hours=1)
    outcomes = await world.store.read(overview.outcomes, CLINIC, [1], since)
    assert sorted(outcomes) == [
        (NOON, "delivered", "receipt-delivered", 2),
        (NOON + timedelta(minutes=15), "delivered", "read", 1),
    ]
    later = await world.store.read(overview.outcomes, CLINIC, [1], NOON + timedelta(minutes=1))
    assert [row[3] for row in later] == [1]


async def test_messages_whose_fate_is_unknown_are_counted_however_old(world: World) -> None:
    await world.message(State.UNKNOWN)
    await world.message(State.UNKNOWN, channel="voice", broadcast=9)
    await world.message(State.FAILED)
    await world.message(State.UNKNOWN, clinic=2)
    assert await world.store.read(overview.unknown, CLINIC) == 2


async def test_several_messages_are_looked_up_by_number(world: World) -> None:
    person = await world.person()
    numbers = [await world.message(recipient=person, step=step) for step in range(3)]
    found = await world.store.read(history.entries_of, CLINIC, numbers[:2])
    assert {number: entry.id for number, entry in found.items()} == {n: n for n in numbers[:2]}
    assert await world.store.read(history.entries_of, CLINIC, []) == {}


async def test_a_held_message_is_looked_at_as_it_is(world: World) -> None:
    number = await world.message(State.FAILED)

    def hold_and_look(conn: Connection) -> State | None:
        history.hold(conn, CLINIC, number)
        found = history.entry(conn, CLINIC, number)
        return found and found.state

    assert await world.store.run(hold_and_look) is State.FAILED
