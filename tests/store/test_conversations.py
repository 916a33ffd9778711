"""Replies are obeyed and answered once; long ones are joined; staff and clients write to each other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway import conversing, policy
from gateway.channels.sms_receipts import joined
from gateway.conversing import NoConversationError
from gateway.domain import (
    Channel,
    ContentError,
    Direct,
    DirectKind,
    Event,
    Mail,
    Reply,
    ReplyKind,
    ReplyPart,
    State,
)
from gateway.intake import Intake
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from gateway.wording import compose
from store import conversations, facts, people
from store.queue import Claimed
from store.schema import appointment, direct, message, reply, reply_part
from tests.store.test_intake import Line
from tests.store.world import CLINIC, NOON, OWNER, World

PHONE = "+12025550107"


def _intake(world: World) -> Intake:
    settings = Settings(clinic={"id": CLINIC})
    link = StoreLink(world.store)
    return Intake(link, Outbox(link, settings, OWNER), settings, OWNER, joined)


async def _hear(world: World, *events: Event) -> None:
    line = Line(*events)
    line.name = Channel.SMS
    await _intake(world).follow(line)  # type: ignore[arg-type]


def _text(kind: ReplyKind, words: str, at: datetime = NOON) -> Reply:
    return Reply(Channel.SMS, kind, PHONE, at, words)


async def _reminded(world: World, name: str = "rosa") -> tuple[int, int]:
    """A client with this number who was reminded of a visit: (person, visit)."""
    person = await world.person(name, details={Channel.SMS: PHONE})
    await world.visit(name, name)
    ((visit, _),) = [(row["id"], row["client"]) for row in await world.rows(appointment, client=person)]
    await world.message(
        State.DELIVERED, recipient=person, appointment=visit, address=PHONE, started_at=world.clock()
    )
    return person, visit


async def _answers(world: World) -> list[tuple[str, str]]:
    """(kind, state) of every text outside broadcasts, oldest first."""
    texts = {row["message"]: row["kind"] for row in await world.rows(direct)}
    rows = {row["id"]: row["state"] for row in await world.rows(message, broadcast=0)}
    return [(texts[number], rows[number]) for number in sorted(texts)]


async def test_a_confirmation_told_twice_is_answered_once(world: World) -> None:
    _, visit = await _reminded(world)
    await _hear(world, _text(ReplyKind.CONFIRM, "C"))
    await _hear(world, _text(ReplyKind.CONFIRM, "C", NOON + timedelta(seconds=40)))
    assert await _answers(world) == [("confirmed", "queued")]
    (row,) = await world.rows(appointment, id=visit)
    assert row["confirmed_at"] is not None


async def test_stop_is_confirmed_once_within_five_minutes_and_followed_by_nothing(world: World) -> None:
    person, _ = await _reminded(world)
    await _hear(world, _text(ReplyKind.CONFIRM, "C"))
    stop = _text(ReplyKind.OPT_OUT, "stop", NOON + timedelta(seconds=1))
    again = _text(ReplyKind.OPT_OUT, "STOP", NOON + timedelta(seconds=9))
    await _hear(world, stop, again)
    assert await _answers(world) == [("confirmed", "cancelled"), ("opted-out", "queued")]
    (last,) = await world.rows(message, broadcast=0, state="queued")
    assert last["expires_at"] == NOON + timedelta(minutes=5)
    assert (await world.ledger(person))[-1] == (False, "text")


async def test_start_gives_texts_again_and_a_new_stop_is_confirmed_again(world: World) -> None:
    person, _ = await _reminded(world)
    for number, kind in enumerate((ReplyKind.OPT_OUT, ReplyKind.OPT_IN, ReplyKind.OPT_OUT)):
        await _hear(world, _text(kind, "word", NOON + timedelta(seconds=number)))
        sent = message.update().where(message.c.broadcast == 0).values(state=State.DELIVERED.value)
        await world.store.run(lambda conn, sent=sent: conn.execute(sent))
    assert [kind for kind, _ in await _answers(world)] == ["opted-out", "opted-in", "opted-out"]
    assert [given for given, _ in await world.ledger(person)][-3:] == [False, True, False]


async def test_cancel_after_a_reminder_is_asked_about_once_and_c1_means_the_visit(world: World) -> None:
    person, visit = await _reminded(world)
    await _hear(world, _text(ReplyKind.CANCEL, "cancel"), _text(ReplyKind.CANCEL, "Cancel!"))
    assert await _answers(world) == [("ask", "queued")]
    assert (await world.ledger(person))[-1] == (False, "ambiguous-cancel")
    await _hear(world, _text(ReplyKind.NOT_COMING, "C1", NOON + timedelta(minutes=1)))
    assert [kind for kind, _ in await _answers(world)] == ["ask", "cancelled"]
    assert (await world.ledger(person))[-1] == (True, "clarified-cancel")
    (row,) = await world.rows(appointment, id=visit)
    assert row["status"] == "cancelled"


async def test_cancel_without_a_visit_in_question_is_the_opt_out_word_that_networks_know(
    world: World,
) -> None:
    person = await world.person("rosa", details={Channel.SMS: PHONE})
    await _hear(world, _text(ReplyKind.CANCEL, "cancel"))
    # The words are kept as they were understood at first.
    assert await _answers(world) == [("opted-out", "queued")]
    assert (await world.ledger(person))[-1] == (False, "text")


async def test_whoever_gets_a_number_from_which_cancel_stopped_everything_is_left_alone(world: World) -> None:
    await world.person("rosa", details={Channel.SMS: PHONE})
    await _hear(world, _text(ReplyKind.CANCEL, "cancel"))
    heir = await world.person("ben", details={Channel.SMS: PHONE})
    assert (await world.ledger(heir))[-1] == (False, "address-opted-out")


async def test_help_is_answered_even_to_strangers_but_not_all_the_time(world: World) -> None:
    await _hear(
        world, _text(ReplyKind.HELP, "help"), _text(ReplyKind.HELP, "Help", NOON + timedelta(minutes=1))
    )
    assert await _answers(world) == [("help", "queued")]
    world.clock.move(minutes=11)
    await _hear(world, _text(ReplyKind.HELP, "HELP", world.clock()))
    assert [kind for kind, _ in await _answers(world)] == ["help", "help"]


async def test_answers_can_be_turned_off(world: World) -> None:
    person, _ = await _reminded(world)
    settings = Settings(clinic={"id": CLINIC}, texts={"answers": False})
    link = StoreLink(world.store)
    line = Line(_text(ReplyKind.OPT_OUT, "stop"))
    line.name = Channel.SMS
    await Intake(link, Outbox(link, settings, OWNER), settings, OWNER, joined).follow(line)  # type: ignore[arg-type]
    assert await _answers(world) == []
    assert (await world.ledger(person))[-1] == (False, "text")


@pytest.mark.parametrize("first", [ReplyKind.NOT_COMING, None], ids=["cancelled", "begun"])
async def test_a_visit_that_does_not_stand_is_not_confirmed_but_read_by_a_person(
    world: World, first: ReplyKind | None
) -> None:
    _, visit = await _reminded(world)
    if first:
        await _hear(world, _text(first, "C1"))
    else:
        world.clock.move(days=1, minutes=1)
    waiting = await world.store.read(conversations.unread, CLINIC)
    await _hear(world, _text(ReplyKind.CONFIRM, "C", world.clock() + timedelta(minutes=1)))
    assert "confirmed" not in [kind for kind, _ in await _answers(world)]
    assert await world.store.read(conversations.unread, CLINIC) == waiting + 1
    (row,) = await world.rows(appointment, id=visit)
    assert row["confirmed_at"] is None


async def test_a_reply_months_later_is_about_no_message(world: World) -> None:
    _, visit = await _reminded(world)
    await world.store.run(lambda conn: conn.execute(appointment.update().values(starts_at=NOON)))
    world.clock.move(days=90)
    await _hear(world, _text(ReplyKind.NOT_COMING, "C1", world.clock()))
    (got,) = await world.rows(reply)
    assert (got["message"], got["read_at"]) == (None, None)
    assert (await world.rows(appointment, id=visit))[0]["status"] == "booked"
    assert await _answers(world) == []


async def test_nothing_is_asked_after_stop(world: World) -> None:
    person, _ = await _reminded(world)
    later = [NOON + timedelta(minutes=minutes) for minutes in range(1, 4)]
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop"), _text(ReplyKind.CANCEL, "cancel", later[0]))
    assert await _answers(world) == [("opted-out", "queued")]
    await _hear(
        world, _text(ReplyKind.OPT_IN, "start", later[1]), _text(ReplyKind.CANCEL, "cancel", later[2])
    )
    kinds = [kind for kind, state in await _answers(world) if state == "queued"]
    assert kinds == ["ask"], "START takes the stop back, and what the question may mean holds up the rest"
    assert (await world.ledger(person))[-1] == (False, "ambiguous-cancel")


@pytest.mark.parametrize("stops", [False, True])
async def test_a_key_that_stops_calls_holds_back_the_question_that_waits(world: World, stops: bool) -> None:
    await _reminded(world)
    await _hear(world, _text(ReplyKind.CANCEL, "cancel"))
    if stops:
        await world.store.run(people.withdraw, CLINIC, PHONE, "keypress", world.clock())
    (claimed,) = await world.claim()
    (known,) = (await world.store.read(facts.load_directs, CLINIC, [claimed])).facts
    verdict = policy.decide(known, Channel.SMS, PHONE, world.clock(), policy.Rules.of(Settings()))
    assert verdict == (policy.Refuse("consent-withdrawn") if stops else policy.ALLOW)


async def test_c1_takes_no_stop_back_that_came_after_the_question(world: World) -> None:
    person, _ = await _reminded(world)
    words = ((ReplyKind.CANCEL, "cancel"), (ReplyKind.OPT_OUT, "stop"), (ReplyKind.NOT_COMING, "C1"))
    for minute, (kind, said) in enumerate(words):
        await _hear(world, _text(kind, said, NOON + timedelta(minutes=minute)))
    assert (await world.ledger(person))[-1] == (False, "text")
    assert await world.store.read(people.has_stopped, CLINIC, PHONE, Channel.SMS)


async def test_cancel_holds_up_others_at_the_number_of_somebody_who_has_stopped(world: World) -> None:
    husband = await world.person("husband", details={Channel.SMS: PHONE})
    await world.store.run(people.add_consent, CLINIC, [husband], False, "form", NOON)
    wife, _ = await _reminded(world, "wife")
    await _hear(world, _text(ReplyKind.CANCEL, "cancel"))
    assert (await world.ledger(wife))[-1] == (False, "ambiguous-cancel")
    assert (await world.ledger(husband))[-1] == (False, "form")
    assert await _answers(world) == [], "who stopped is asked nothing"


# --- delivered again ---


async def test_a_text_delivered_again_is_read_and_answered_once(world: World) -> None:
    await _reminded(world)
    for seconds in (0, 40, 200):
        at = NOON + timedelta(seconds=seconds)
        await _hear(world, _text(ReplyKind.OTHER, "Is there parking?", at), _text(ReplyKind.HELP, "help", at))
    assert await world.store.read(conversations.unread, CLINIC) == 1
    assert len(await world.rows(reply)) == 2
    assert await _answers(world) == [("help", "queued")]


async def test_stop_said_again_binds_though_something_was_agreed_to_in_between(world: World) -> None:
    person, _ = await _reminded(world)
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop"))
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", NOON)
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop", NOON + timedelta(minutes=9)))
    assert (await world.ledger(person))[-2:] == [(True, "form"), (False, "text")]
    assert await _answers(world) == [("opted-out", "queued")]


# --- mail ---

MAIL = "rosa@home.example"


def _mail(number: int, kind: ReplyKind, words: str, at: datetime = NOON) -> Reply:
    return Reply(Channel.EMAIL, kind, "", at, words, f"rw-{CLINIC}-{number}-1")


async def _mailed(world: World) -> tuple[int, int]:
    """A client who was reminded by mail: (person, message)."""
    person = await world.person("rosa", details={Channel.EMAIL: MAIL})
    await world.visit("rosa", "rosa")
    number = await world.message(
        State.ACCEPTED, recipient=person, appointment=1, channel="email", address=MAIL, attempt=1
    )
    return person, number


async def test_a_mail_that_asks_something_waits_in_the_same_inbox_and_is_answered_by_mail(
    world: World,
) -> None:
    _, number = await _mailed(world)
    await _hear(world, _mail(number, ReplyKind.OTHER, "Is there parking?", NOON + timedelta(minutes=1)))
    (heading,) = await world.store.read(conversations.listing, CLINIC, unread=True)
    assert (heading.address, heading.names, heading.unread) == (MAIL, ("Rosa Costa",), 1)
    world.clock.move(minutes=5)
    await world.store.run(conversing.answer, CLINIC, heading.id, "Yes, behind it.", "Ana", world.clock())
    lines = await world.store.read(conversations.lines, CLINIC, MAIL)
    assert [(line.ours, line.text) for line in lines][1:] == [
        (False, "Is there parking?"),
        (True, "Yes, behind it."),
    ]
    (claimed,) = await world.claim(channel=Channel.EMAIL)
    (known,) = (await world.store.read(facts.load_directs, CLINIC, [claimed])).facts
    assert known.contacts[Channel.EMAIL].address == MAIL
    letter = compose(known, Channel.EMAIL, Settings().clinic)
    assert isinstance(letter, Mail)
    assert letter.subject == "A message from Example Clinic"
    assert letter.text.split("\n")[:3] == ["Yes, behind it.", "", "Example Clinic"]


async def test_a_mailed_cancel_holds_messages_up_until_a_person_looks(world: World) -> None:
    person, number = await _mailed(world)
    await _hear(world, _mail(number, ReplyKind.CANCEL, "cancel"))
    assert (await world.ledger(person))[-1] == (False, "ambiguous-cancel")
    assert await world.store.read(conversations.unread, CLINIC) == 1
    assert await _answers(world) == []


async def test_a_mailed_confirmation_of_a_visit_to_come_needs_nobody(world: World) -> None:
    _, number = await _mailed(world)
    await _hear(world, _mail(number, ReplyKind.CONFIRM, "Yes"))
    assert await world.store.read(conversations.unread, CLINIC) == 0
    assert (await world.rows(appointment))[0]["confirmed_at"] is not None


# --- the inbox ---


async def test_what_a_person_must_read_waits_for_one_and_the_rest_does_not(world: World) -> None:
    await _reminded(world)
    await _hear(world, _text(ReplyKind.CONFIRM, "C"), _text(ReplyKind.OTHER, "Is there parking?"))
    assert await world.store.read(conversations.unread, CLINIC) == 1
    (heading,) = await world.store.read(conversations.listing, CLINIC, unread=True)
    assert (heading.names, heading.unread) == (("Rosa Costa",), 1)
    world.clock.move(minutes=1)
    await world.store.run(conversations.mark_read, CLINIC, heading.id, world.clock())
    assert await world.store.read(conversations.listing, CLINIC, unread=True) == []
    assert await world.store.read(conversations.with_address, CLINIC, PHONE) is not None
    assert all(row["read_at"] is not None for row in await world.rows(reply))


async def test_a_conversation_shows_both_sides_in_order(world: World) -> None:
    await _reminded(world)
    world.clock.move(minutes=5)
    await _hear(world, _text(ReplyKind.OTHER, "Is there parking?", world.clock()))
    heading = await world.store.read(conversations.with_address, CLINIC, PHONE)
    assert heading is not None
    world.clock.move(minutes=5)
    number = await world.store.run(
        conversing.answer, CLINIC, heading.id, " Yes, behind the house. ", "Ana", world.clock()
    )
    lines = await world.store.read(conversations.lines, CLINIC, PHONE)
    assert [(line.ours, line.kind, line.text) for line in lines][1:] == [
        (False, "other", "Is there parking?"),
        (True, "staff", "Yes, behind the house."),
    ]
    assert (lines[-1].message, lines[-1].by, lines[-1].state) == (number, "Ana", "queued")
    assert await world.store.read(conversations.unread, CLINIC) == 0, "who answers has read it"
    (claimed,) = await world.claim()
    (known,) = (await world.store.read(facts.load_directs, CLINIC, [claimed])).facts
    assert known.direct is not None
    assert (known.direct.kind, known.direct.answers) == (DirectKind.STAFF, 1)


async def test_staff_write_to_a_client_and_to_nobody_else(world: World) -> None:
    await world.person("rosa", details={Channel.SMS: PHONE})
    number = await world.store.run(conversing.write_to, CLINIC, "rosa", "Hello", "Ana", world.clock())
    assert (await world.row(number))["address"] == PHONE
    with pytest.raises(NoConversationError):
        await world.store.run(conversing.write_to, CLINIC, "ben", "Hello", "Ana", world.clock())
    with pytest.raises(NoConversationError):
        await world.store.run(conversing.answer, CLINIC, 99, "Hello", "Ana", world.clock())
    with pytest.raises(ContentError):
        await world.store.run(conversing.write_to, CLINIC, "rosa", "\x07", "Ana", world.clock())


async def _text_of_staff(world: World) -> Claimed:
    await world.store.run(conversing.write_to, CLINIC, "rosa", "Hello", "Ana", world.clock())
    *_, claimed = await world.claim()
    return claimed


async def _verdict(world: World, claimed: Claimed) -> policy.Verdict:
    (known,) = (await world.store.read(facts.load_directs, CLINIC, [claimed])).facts
    return policy.decide(known, Channel.SMS, PHONE, world.clock(), policy.Rules.of(Settings()))


@pytest.mark.parametrize("names", [["rosa"], ["ben"], ["rosa", "ben"]], ids=" and ".join)
async def test_staff_write_nothing_to_a_number_that_one_of_those_who_share_it_does_not_want_used(
    world: World, names: list[str]
) -> None:
    people_there = {name: await world.person(name, details={Channel.SMS: PHONE}) for name in ("rosa", "ben")}
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop"))
    await _hear(world, _text(ReplyKind.OPT_IN, "start", NOON + timedelta(seconds=5)))
    world.clock.move(hours=3)
    written = await _text_of_staff(world)
    assert isinstance(await _verdict(world, written), policy.Allow)
    unwilling = [people_there[name] for name in names]
    await world.store.run(people.add_consent, CLINIC, unwilling, False, "form", world.clock())
    assert await _verdict(world, written) == policy.Refuse("consent-withdrawn")


async def test_who_comes_to_share_a_number_binds_what_staff_wrote_before(world: World) -> None:
    await world.person("rosa", details={Channel.SMS: PHONE})
    world.clock.move(hours=3)
    written = await _text_of_staff(world)
    assert isinstance(await _verdict(world, written), policy.Allow)
    await world.person("ben", details={Channel.SMS: PHONE}, consent=False)
    assert await _verdict(world, written) == policy.Refuse("consent-withdrawn")


# --- long texts ---


def _part(number: int, octets: bytes, at: datetime = NOON) -> ReplyPart:
    return ReplyPart(Channel.SMS, PHONE, at, 7, 3, number, octets, "ucs-2")


async def test_a_long_text_is_one_reply_in_whatever_order_its_parts_come(world: World) -> None:
    octets = "Is there parking? 🚗 Thank you".encode("utf-16-be")
    # The cut is in the middle of the car.
    parts = [octets[:38], octets[38:50], octets[50:]]
    await _hear(world, _part(3, parts[2]), _part(1, parts[0]), _part(1, parts[0]))
    assert await world.rows(reply) == []
    await _hear(world, _part(2, parts[1]))
    assert [row["text"] for row in await world.rows(reply)] == ["Is there parking? 🚗 Thank you"]


async def test_a_text_of_which_a_part_never_comes_is_read_without_it(world: World) -> None:
    await _hear(world, _part(1, "Is there ".encode("utf-16-be")), _part(3, "?".encode("utf-16-be")))
    await _intake(world).late_parts()
    assert await world.rows(reply) == []
    world.clock.move(minutes=6)
    await _intake(world).late_parts()
    assert [row["text"] for row in await world.rows(reply)] == ["Is there ?"]
    # The same reference again is another text.
    await _hear(world, _part(2, b"\0x", world.clock()))
    assert len(await world.rows(reply)) == 1


# --- wishes of strangers ---


async def test_a_stranger_who_said_stop_is_not_told_anything_else(world: World) -> None:
    assert await world.store.read(conversations.last_wish, CLINIC, PHONE) is None
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop"))
    assert await world.store.read(conversations.last_wish, CLINIC, PHONE) is False
    await world.store.run(conversations.cancel_waiting, CLINIC, PHONE, DirectKind.ASK, world.clock())
    await _hear(world, _text(ReplyKind.OPT_IN, "start", NOON + timedelta(seconds=5)))
    assert await world.store.read(conversations.last_wish, CLINIC, PHONE) is True


# --- the store's own part ---


async def test_a_text_of_no_broadcast_is_found_by_its_message_and_its_kind(world: World) -> None:
    life = NOON + timedelta(hours=1)
    text = Direct(DirectKind.HELP, "Call us", None, life)
    number = await world.store.run(conversations.write, CLINIC, PHONE, 0, text, "ringwell", NOON, 5)
    assert await world.store.read(conversations.directs, CLINIC, [number, 99]) == {number: text}
    kinds = [DirectKind.HELP, DirectKind.ASK]
    since = NOON - timedelta(hours=1)
    for about, found in ((None, DirectKind.HELP), (5, DirectKind.HELP), (6, None)):
        told = await world.store.read(conversations.answered, CLINIC, PHONE, kinds, since, about)
        assert told is found
    assert (await world.store.read(conversations.answered, CLINIC, PHONE, kinds, life)) is None


async def test_unread_replies_are_counted_by_conversation(world: World) -> None:
    for unread in (True, True, False):
        await world.store.run(
            lambda conn, unread=unread: conversations.heard(conn, CLINIC, PHONE, NOON, unread=unread)
        )
    found = await world.store.read(conversations.find, CLINIC, 1)
    assert found is not None
    assert (found.unread, found.names) == (2, ())
    assert await world.store.read(conversations.latest_reply, CLINIC, PHONE, NOON) is None


async def test_parts_are_given_out_once(world: World) -> None:
    parts = [_part(number, b"\0x") for number in (1, 2, 3)]
    kept = [await world.store.run(conversations.keep_part, CLINIC, part) for part in parts]
    assert [len(found) for found in kept] == [0, 0, 1]
    assert sorted(kept[-1][0], key=lambda part: part.number) == parts
    # The acknowledgement of the last one is lost, and of the first, too.
    for number in (3, 1):
        again = _part(number, b"\0x", NOON + timedelta(seconds=30))
        assert await world.store.run(conversations.keep_part, CLINIC, again) == []
    assert await world.store.run(conversations.late_parts, CLINIC, NOON + timedelta(days=1)) == []
    assert await world.rows(reply_part) == []


async def test_the_same_reference_with_other_words_is_another_text(world: World) -> None:
    for number in (1, 2, 3):
        await world.store.run(conversations.keep_part, CLINIC, _part(number, b"\0x"))
    others = [_part(number, b"\0y", NOON + timedelta(minutes=1)) for number in (2, 1, 3)]
    kept = [await world.store.run(conversations.keep_part, CLINIC, part) for part in others]
    assert [[len(text) for text in found] for found in kept] == [[], [], [3]]


async def test_a_text_whose_reference_is_used_again_before_it_was_whole_is_read_as_far_as_it_came(
    world: World,
) -> None:
    for number in (1, 2):
        await world.store.run(conversations.keep_part, CLINIC, _part(number, b"\0x"))
    others = [_part(number, b"\0y", NOON + timedelta(minutes=1)) for number in (1, 2, 3)]
    kept = [await world.store.run(conversations.keep_part, CLINIC, part) for part in others]
    assert [[len(text) for text in found] for found in kept] == [[2], [], [3]]
    assert {part.octets for part in kept[0][0]} == {b"\0x"}


async def test_consent_comes_back_as_it_was_taken(world: World) -> None:
    person = await world.person("rosa", details={Channel.SMS: PHONE}, language="es")
    await world.store.run(people.withdraw, CLINIC, PHONE, "ambiguous-cancel", NOON)
    await world.store.run(people.lift, CLINIC, PHONE, "ambiguous-cancel", "clarified", NOON)
    assert (await world.ledger(person))[-1] == (True, "clarified")
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.store.run(people.lift, CLINIC, PHONE, "ambiguous-cancel", "clarified", NOON)
    assert (await world.ledger(person))[-1] == (False, "text")
    for given in (1, 0):
        again = await world.store.run(people.give_again, CLINIC, PHONE, Channel.SMS, "text", NOON)
        assert again == given
    assert await world.store.read(people.language, CLINIC, person) == "es"
    assert await world.store.read(people.text_address, CLINIC, "rosa") == PHONE
    assert await world.store.read(people.text_address, CLINIC, "ben") is None
