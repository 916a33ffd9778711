"""What a clinic may send, written down as plainly as can be: it shares no code with the product's policy.

Slow on purpose: everything is looked up in plain lists, and "when may it go" is answered by trying each
quarter of an hour. Whatever the product sends is asked about here first; whatever it does not send, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

CALLED = ("voice", "sms")
A_DAY, A_WEEK = 3, 7
OPENS, CLOSES = 8, 21
NOTICE_LIFE = timedelta(days=7)
LATE = timedelta(hours=24)
STEP = timedelta(minutes=15)
CLINIC_ZONE = "America/New_York"


class FoundError(AssertionError):
    """The product did what it must not do, or did not do what it should."""


@dataclass
class Word:
    """A yes or a no; `channel` "": on all of them. `own`: not by an import. `unclear`: CANCEL.

    `there`: it came from an address, which others may share.
    """

    given: bool
    channel: str
    at: datetime
    own: bool = True
    unclear: bool = False
    there: bool = False


@dataclass
class Client:
    """One patient as the practice knows them."""

    name: str
    zone: str = ""
    preferred: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)

    def refuses_all_of(self, channel: str) -> bool:
        """Whether their last word on a channel was no."""
        about = [word for word in self.words if word.channel in ("", channel)]
        return bool(about) and not about[-1].given

    def refusals(self, channel: str) -> list[Word]:
        """What they refused and have not given since, as finely or more finely."""
        about = [word for word in self.words if word.channel in ("", channel)]
        return [
            word
            for place, word in enumerate(about)
            if not word.given
            and not any(one.given and (one.channel or not word.channel) for one in about[place + 1 :])
        ]


@dataclass
class Visit:
    """An appointment."""

    name: str
    client: Client
    starts_at: datetime
    booked: bool = True
    cancelled_by_patient: bool = False


@dataclass
class Order:
    """A broadcast; without days it is a notice to everybody."""

    channel: str
    only_preference: bool
    send_at: datetime
    days: tuple[datetime, datetime] | None
    ordered_at: datetime
    cancelled: bool = False

    def channel_for(self, client: Client) -> str:
        """How this client is reached."""
        return client.preferred if self.only_preference and client.preferred else self.channel


@dataclass
class Message:
    """What one client is to be told on one channel."""

    order: Order
    client: Client
    visit: Visit | None
    channel: str
    address: str
    # It has had its last attempt.
    ended: bool = False
    # The product has put it aside.
    closed: bool = False
    attempts: set[int] = field(default_factory=set)

    def expires_at(self) -> datetime:
        """From when on nobody wants it any more."""
        return self.visit.starts_at if self.visit else self.order.send_at + NOTICE_LIFE


@dataclass
class Contact:
    """A call or text that was made."""

    address: str
    at: datetime
    charged: bool = True


@dataclass
class Oracle:
    """Everything that happened, and what follows from it."""

    clients: dict[str, Client] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    contacts: list[Contact] = field(default_factory=list)
    # What was said of addresses: on the do-not-call list or not, dead or not, wanted or not.
    do_not_call: set[str] = field(default_factory=set)
    dead: set[tuple[str, str]] = field(default_factory=set)
    nobodys: dict[str, list[Word]] = field(default_factory=dict)
    stops: dict[str, datetime] = field(default_factory=dict)
    sends: int = 0

    # --- what happens ---

    def holders(self, address: str) -> list[Client]:
        """Everybody who has an address."""
        return [one for one in self.clients.values() if address in one.addresses.values()]

    def imported(self, client: Client, consent: bool | None, now: datetime) -> None:
        """A row of the practice's file: its yes never outweighs somebody's own no."""
        own = [word for word in client.words if word.own]
        # Texts that are allowed again allow nothing else.
        of_everything = [word for word in own if not word.channel]
        refused = any(not word.given for word in own[-1:] + of_everything[-1:])
        last = client.words[-1:]
        known = bool(last and last[0].given == consent and not last[0].channel)
        # The file said no before, and has said nothing else since.
        said_no = not all(word.given for word in [word for word in client.words if not word.own][-1:])
        if (consent is False and not known and not said_no) or (
            consent and not refused and (said_no or not known)
        ):
            client.words.append(Word(consent, "", now, own=False))
        asked = [self.stops[address] for address in client.addresses.values() if address in self.stops]
        if asked and all(word.at < max(asked) for word in own[-1:]):
            client.words.append(Word(False, "", now, there=True))

    def stopped(self, address: str, now: datetime, also: Client | None = None, by_text: bool = True) -> None:
        """Somebody wants no messages any more: everybody with this address gets none, on no channel."""
        concerned = self.holders(address)
        if also is not None and also not in concerned:
            concerned.append(also)
        for client in concerned:
            client.words.append(Word(False, "", now, there=True))
        if not concerned:
            self.nobodys.setdefault(address, []).append(Word(False, "", now))
        if by_text or not concerned:
            self.stops[address] = now

    def unclear(self, address: str, client: Client, now: datetime) -> None:
        """CANCEL after a reminder: no more messages until somebody has looked, whoever had said STOP."""
        concerned = self.holders(address)
        if client not in concerned:
            concerned.append(client)
        for one in concerned:
            last = one.words[-1:]
            if not (last and last[0].own and not last[0].given and not last[0].channel):
                one.words.append(Word(False, "", now, unclear=True, there=True))

    def not_coming(self, address: str, visit: Visit, now: datetime) -> None:
        """It was the visit that was meant."""
        visit.booked, visit.cancelled_by_patient = False, True
        for one in self.holders(address):
            if one.words and one.words[-1].unclear:
                # What they had agreed to since they last refused anything.
                given = list(takewhile(lambda word: word.given, reversed(one.words[:-1])))
                one.words += [Word(True, word.channel, now) for word in reversed(given)]

    def started_again(self, address: str, now: datetime) -> None:
        """START in a text: whoever had refused texts there gets texts again, and nothing else."""
        holders = self.holders(address)
        for client in holders:
            # Of several who share a number another may be speaking: their word on paper stays.
            theirs = len(holders) == 1 or all(word.there for word in client.refusals("sms"))
            if client.refuses_all_of("sms") and theirs:
                client.words.append(Word(True, "sms", now))
        words = self.nobodys.get(address, [])
        if words and not words[-1].given:
            words.append(Word(True, "sms", now))

    # --- what may be ---

    def may(self, message: Message, at: datetime, also: list[Contact] | None = None) -> str:
        """Empty: it may go at that moment. Else why not."""
        client, channel = message.client, message.channel
        if why := self.never(message):
            return why
        if at < message.order.send_at:
            return "before its time"
        if at >= message.expires_at():
            return "too late"
        if self.is_missed(message, at, self.contacts):
            return "missed"
        if channel in CALLED:
            local = at.astimezone(self.zone(client))
            if not OPENS <= local.hour < CLOSES:
                return "outside the window"
            return self.above_caps(client, at, also or [])
        return ""

    def never(self, message: Message) -> str:
        """Why it may not go at any time, as things stand."""
        self.follow(message)
        visit, order, client = message.visit, message.order, message.client
        if order.cancelled:
            return "broadcast cancelled"
        if visit is not None and not visit.booked:
            return "appointment cancelled"
        if visit is not None and order.days and not order.days[0] <= visit.starts_at < order.days[1]:
            return "appointment moved away"
        if client.addresses.get(message.channel) != message.address:
            return "another address"
        if order.only_preference and client.preferred not in ("", message.channel):
            return "prefers another way"
        return self.refused(client, message.channel, message.address)

    def follow(self, message: Message) -> None:
        """What nobody has tried goes by the way that its client prefers by now, to where they are by now."""
        client, order = message.client, message.order
        if message.attempts:
            return
        wanted = client.preferred if order.only_preference and client.preferred else message.channel
        if wanted in client.addresses:
            message.channel, message.address = wanted, client.addresses[wanted]

    def refused(self, client: Client, channel: str, address: str) -> str:
        """Whether somebody does not want it, in the words of the ledger."""
        if address in self.do_not_call:
            return "do not call"
        if (channel, address) in self.dead:
            return "dead address"
        about = [word for word in self.nobodys.get(address, []) if word.channel in ("", channel)]
        if about and not about[-1].given:
            return "stopped at this address"
        about = [word for word in client.words if word.channel in ("", channel)]
        if not any(word.given for word in about):
            return "no consent"
        if client.refusals(channel):
            return "withdrawn"
        return ""

    def above_caps(self, client: Client, at: datetime, also: list[Contact]) -> str:
        """Whether one more call or text would be one too many on that day of theirs."""
        zone = self.zone(client)
        numbers = {client.addresses[channel] for channel in CALLED if channel in client.addresses}
        today = at.astimezone(zone).date()
        days = [
            one.at.astimezone(zone).date()
            for one in [*self.contacts, *also]
            if one.charged and one.address in numbers
        ]
        if sum(day == today for day in days) >= A_DAY:
            return "above the cap of a day"
        if sum(today - timedelta(days=7) < day <= today for day in days) >= A_WEEK:
            return "above the cap of a week"
        return ""

    def is_missed(self, message: Message, at: datetime, contacts: list[Contact]) -> bool:
        """Whether it was ordered for a later moment, and could have gone more than a day ago."""
        order, client = message.order, message.client
        if message.attempts or order.send_at <= order.ordered_at:
            return False
        could = order.send_at
        if message.channel in CALLED:
            zone = self.zone(client)
            while (
                not self._had_room(client, could, contacts)
                or not OPENS <= could.astimezone(zone).hour < CLOSES
            ):
                local = could.astimezone(zone)
                day = local.date() if local.hour < OPENS else local.date() + timedelta(days=1)
                could = datetime.combine(day, time(OPENS), zone).astimezone(UTC)
        return at > could + LATE

    def _had_room(self, client: Client, at: datetime, contacts: list[Contact]) -> bool:
        """Whether a day has room by all that is known by now: what came later counts in it, too."""
        zone = self.zone(client)
        numbers = {client.addresses[channel] for channel in CALLED if channel in client.addresses}
        today = at.astimezone(zone).date()
        days = [one.at.astimezone(zone).date() for one in contacts if one.charged and one.address in numbers]
        week = today - timedelta(days=6)
        return sum(day >= today for day in days) < A_DAY and sum(day >= week for day in days) < A_WEEK

    def zone(self, client: Client) -> ZoneInfo:
        """Where they live."""
        return ZoneInfo(client.zone or CLINIC_ZONE)

    def first_chance(
        self, message: Message, now: datetime, until: datetime, also: list[Contact]
    ) -> datetime | None:
        """When it may go between now and then, if nothing else happens."""
        if self.never(message):
            return None
        # What is called or texted at the same moment is known to some verdicts and not to others.
        at, earlier = now, [one for one in self.contacts if one.at < now]
        while at < min(until, message.expires_at()):
            if not self.may(message, at, also) and not self.is_missed(message, at, earlier):
                return at
            at += STEP
        return None

    def sent(self, message: Message, number: int, address: str, now: datetime) -> Contact:
        """The product sends this: may it?"""
        self.sends += 1
        if why := self.may(message, now.astimezone(UTC)):
            raise FoundError(f"{message.channel} to {message.client.name} at {now}: {why}")
        if address != message.address:
            raise FoundError(f"{message.channel} to {message.client.name} went elsewhere")
        if message.ended or number in message.attempts:
            raise FoundError(f"{message.channel} to {message.client.name} at {now}: sent twice")
        message.attempts.add(number)
        made = Contact(address, now)
        if message.channel in CALLED:
            self.contacts.append(made)
        return made
