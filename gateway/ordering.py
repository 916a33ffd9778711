"""What somebody asks for becomes a Broadcast, on the command line and in the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import schedule, wording
from gateway.broadcast import check
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RingwellError, Then
from gateway.domain.message_types import TYPES, Audience
from gateway.domain.offsets import Offset, Timing, parse_offset
from gateway.schedule import Schedule
from gateway.settings import Settings
from store import lists, templates
from store.engine import Store
from store.facts import cascade_row
from store.rules import Rule


class BroadcastError(RingwellError):
    """A broadcast was described in a way that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days that a broadcast is about, by the clinic's calendar."""

    first: date
    count: int = 1

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the midnight before to the one after; OverflowError beyond the calendar."""
        return _midnight(self.first, zone), _midnight(self.first + timedelta(days=self.count), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """What the clinic's clock says as a moment; raises BroadcastError."""
    try:
        return local.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise BroadcastError("the date lies beyond the calendar") from error


def ordered(
    settings: Settings,
    name: str,
    type: MessageType,
    channel: Channel,
    only_preference: bool,
    texts: Mapping[str, Mapping[str, str]],
    days: Days,
    send_at: datetime,
    *,
    broadcast_class: BroadcastClass | None = None,
    cascade: tuple[Then, ...] = (),
    bundle: bool = False,
) -> Broadcast:
    """The broadcast, not looked at yet: see `completed`. Raises BroadcastError."""
    if not name.strip() or not name.isprintable():
        raise BroadcastError("the name of a broadcast must have a letter and no control character")
    try:
        starts_from, starts_until = days.bounds(ZoneInfo(settings.clinic.zone))
    except OverflowError as error:
        raise BroadcastError("the date lies beyond the calendar") from error
    return Broadcast(
        id=0,
        name=name,
        type=type,
        broadcast_class=broadcast_class or TYPES[type].classes[0],
        channel=channel,
        only_preference=only_preference,
        send_at=send_at,
        starts_from=starts_from,
        starts_until=starts_until,
        templates=texts,
        zone=settings.clinic.zone,
        cascade=cascade,
        bundle=bundle,
    )


def rule_of(order: Broadcast, kept: Schedule, list_name: str | None, by: str) -> Rule:
    """The rule that repeats a broadcast by a schedule."""
    return Rule(
        id=0,
        name=order.name,
        type=order.type,
        broadcast_class=order.broadcast_class,
        channel=order.channel,
        only_preference=order.only_preference,
        templates=order.templates,
        schedule=schedule.write(kept),
        cascade=cascade_row(order.cascade),
        bundle=order.bundle,
        list_name=list_name,
        by=by,
    )


def check_schedule(kept: Schedule, type: MessageType) -> None:
    """Raise ScheduleError or BroadcastError unless the schedule can be kept for this type."""
    schedule.read(schedule.write(kept) | {"offsets": [str(offset) for offset in kept.offsets]})
    if kept.offsets and TYPES[type].audience in (Audience.LIST, Audience.EVERYBODY):
        raise BroadcastError(
            f"messages of type {type} are about nothing that they could go before: repeat it daily, weekly "
            "or monthly"
        )


@dataclass(frozen=True, slots=True)
class Named:
    """What a broadcast takes from the store by name, and when its messages go."""

    template: str | None = None
    list: str | None = None
    before: Sequence[str] | None = None
    business_days: bool = False


async def completed(store: Store, settings: Settings, wanted: Broadcast, named: Named) -> Broadcast:
    """The broadcast with its saved template and its list; raises RingwellError if they do not fit."""
    clinic = settings.clinic.id
    if named.template is not None:
        saved = await store.read(templates.find, clinic, named.template)
        if saved is None:
            raise BroadcastError(f"there is no template {named.template!r}: see 'ringwell template list'")
        if saved.type is not wanted.type:
            raise BroadcastError(f"template {named.template!r} is for messages of type {saved.type}")
        wanted = replace(wanted, templates=saved.texts)
    if named.list is not None:
        found = await store.read(lists.find, clinic, named.list)
        if found is None:
            raise BroadcastError(f"there is no list {named.list!r}: see 'ringwell lists'")
        if found.kind is not TYPES[wanted.type].kind:
            raise BroadcastError(f"list {named.list!r} has {found.kind.value}s, not those of {wanted.type}")
        wanted = replace(wanted, custom_list=found.id)
    if named.before:
        timing = Timing(_one_offset(named.before), business_days=named.business_days)
        wanted = replace(wanted, timing=timing)
    await check(store, clinic, wanted)
    wording.check_front_desk(wanted.templates, settings.voice.front_desk)
    return wanted


def _one_offset(before: Sequence[str]) -> Offset:
    parts = ",".join(before).split(",")
    if len(parts) > 1:
        several = ",".join(part.strip() for part in parts)
        raise BroadcastError(
            f"--before {several}: a broadcast goes once before each; for a sequence use"
            f" 'ringwell rule add NAME --before {several}'"
        )
    return parse_offset(parts[0])
