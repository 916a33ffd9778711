"""What a reply does: consent, appointments, the staff's inbox, and one answer where one is due.

All of it is one transaction, so that a reply is acted upon and answered exactly once, whatever dies
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway import wording
from gateway.domain import COMPLAINT, Channel, Direct, DirectKind, Reply, ReplyKind, ReplyPart, Source
from gateway.meant import ALL, ONE
from gateway.settings import Settings
from gateway.understanding import Understood, Visit, understand
from gateway.wording import notices
from gateway.wording.answers import Answered
from gateway.wording.notices import Said
from store import cascades, conversations, ledger, people, receipts, visits
from store.ledger import Bad

# The law gives 5 minutes to confirm an opt-out (rules 1.8); other answers are of use for longer.
OPT_OUT_ANSWER_LIFE = timedelta(minutes=5)
ANSWER_LIFE = timedelta(hours=1)
NOTICE_LIFE = timedelta(days=1)
# The same question again in this time is the same question.
HELP_AGAIN = timedelta(minutes=10)
ANSWER_AGAIN = timedelta(days=30)
_SOURCES = {"voice": Source.KEY, "sms": Source.TEXT, "email": Source.EMAIL, "fax": Source.FAX}
_WISHES = (DirectKind.OPTED_OUT, DirectKind.OPTED_IN)


# Makes one reply of the parts of a long text.
Joined = Callable[[Sequence[ReplyPart]], Reply]


class Replies:
    """Works inside transactions of the intake."""

    def __init__(self, settings: Settings, joined: Joined) -> None:
        self._joined = joined
        self._clinic = settings.clinic
        self._answers = settings.texts.answers
        self._notify = settings.notify
        self._matching = timedelta(days=settings.texts.reply_days)

    def record_part(self, conn: Connection, part: ReplyPart, now: datetime) -> None:
        """Keep a part of a long text; the whole is a reply as soon as it is there."""
        for parts in conversations.keep_part(conn, self._clinic.id, part):
            self.record(conn, self._joined(parts), now)

    def record_late(self, conn: Connection, now: datetime) -> None:
        """What is there of texts whose other parts never came."""
        for parts in conversations.late_parts(conn, self._clinic.id, now):
            self.record(conn, self._joined(parts), now)

    def record(self, conn: Connection, event: Reply, now: datetime) -> None:
        """Write a reply down, and do what it asks for."""
        heard = understand(conn, self._clinic.id, event, self._matching)
        reply = self._keep(conn, heard, now)
        if reply is None:
            if heard.kind is ReplyKind.OPT_OUT:
                # Something may have been agreed to in between: who says it again still means it.
                self._obey(conn, heard, now)
            return
        self._follow(conn, heard, now)
        again = bool(heard.visit) and visits.is_confirmed(conn, self._clinic.id, heard.visit)
        answer = DirectKind.ASK if heard.asks_which else self._obey(conn, heard, now)
        if heard.about.unclear:
            # Nothing is asked that could not be obeyed.
            answer = None
        if answer in (DirectKind.CONFIRMED, DirectKind.CANCELLED):
            self._mark_others(conn, heard, now, cancelled=answer is DirectKind.CANCELLED)
        if answer is not None and heard.event.channel is Channel.SMS and self._answers:
            self._answer(conn, answer, heard, reply, now)
        self._tell_staff(conn, heard, answer, now, again=again)

    def _keep(self, conn: Connection, heard: Understood, now: datetime) -> int | None:
        """Write it down; None for what is there already."""
        # An opt-out in whatever words: it is looked for by its kind when somebody gets the address.
        is_opt_out = heard.kind is ReplyKind.OPT_OUT
        kept = replace(heard.event, kind=heard.kind) if is_opt_out else heard.event
        read_at = None if heard.waits_for_staff else now
        about = heard.person, heard.about.message
        return receipts.add_reply(conn, self._clinic.id, kept, heard.address, *about, read_at)

    def _follow(self, conn: Connection, heard: Understood, now: datetime) -> None:
        """Steps that end with it, the conversation that it belongs to, an address that complains."""
        clinic, event, waits = self._clinic.id, heard.event, heard.waits_for_staff
        if heard.kind in cascades.ANSWERS:
            for answered in heard.about.messages:
                cascades.stop(conn, clinic, answered, now)
        if heard.is_written or waits:
            conversations.heard(conn, clinic, heard.address, event.at, unread=waits)
        if event.channel is Channel.EMAIL and event.text == COMPLAINT:
            bad = Bad(event.channel, heard.address, Source.COMPLAINT, COMPLAINT)
            ledger.suppress(conn, clinic, [bad], now)

    def _mark_others(self, conn: Connection, heard: Understood, now: datetime, *, cancelled: bool) -> None:
        """What was said of the visit that leads holds for the others to come."""
        for other in heard.to_come:
            if other != heard.visit:
                visits.mark(conn, self._clinic.id, other, now, cancelled=cancelled)

    def _tell_staff(
        self, conn: Connection, heard: Understood, answer: DirectKind | None, now: datetime, *, again: bool
    ) -> None:
        """Queue a notice to each who is told of such a reply; what was confirmed before is no news."""
        if answer is DirectKind.CONFIRMED:
            if not again:
                self._notice(conn, Said.CONFIRMED, self._notify.confirmed, now)
        elif heard.frees_a_slot:
            self._notice(conn, Said.CANCELLED, self._notify.cancelled, now)
        elif heard.waits_for_staff and answer is not DirectKind.CANCELLED:
            self._notice(conn, Said.UNCLEAR, self._notify.unclear, now)

    def _notice(self, conn: Connection, said: Said, told: Sequence[str], now: datetime) -> None:
        """With the reply that it is of: kept or lost together."""
        clinic = self._clinic
        notice = Direct(DirectKind.NOTICE, notices.answered(said, now, clinic), None, now + NOTICE_LIFE)
        for address in told:
            conversations.queue_direct(conn, clinic.id, Channel.EMAIL, address, 0, notice, "", now)

    def _obey(self, conn: Connection, heard: Understood, now: datetime) -> DirectKind | None:
        """Do what is asked for; the answer that it gets."""
        clinic, channel, address = self._clinic.id, heard.event.channel, heard.address
        source, stands = _SOURCES[channel], heard.stands
        match heard.kind:
            case ReplyKind.OPT_OUT:
                people.withdraw(conn, clinic, address, source, now, heard.person)
                conversations.cancel_waiting(conn, clinic, address, DirectKind.OPTED_OUT, now)
                return DirectKind.OPTED_OUT
            case ReplyKind.OPT_IN:
                people.give_again(conn, clinic, address, channel, source, now)
                return DirectKind.OPTED_IN
            case ReplyKind.HELP:
                return DirectKind.HELP
            case ReplyKind.CONFIRM if stands is Visit.OPEN:
                visits.mark(conn, clinic, heard.visit, now)
                return DirectKind.CONFIRMED
            case ReplyKind.NOT_COMING if stands in (Visit.OPEN, Visit.CANCELLED):
                visits.mark(conn, clinic, heard.visit, now, cancelled=True)
                people.lift(conn, clinic, address, people.AMBIGUOUS, Source.CLARIFIED, now)
                return DirectKind.CANCELLED
            case ReplyKind.CANCEL:
                return self._hold(conn, heard, now)
        return None

    def _hold(self, conn: Connection, heard: Understood, now: datetime) -> DirectKind | None:
        """CANCEL may mean the visit or all messages (rules 1.7): nothing more until a person looks.

        It is asked about, but not after STOP, which nothing follows.
        """
        clinic, address = self._clinic.id, heard.address
        stopped = people.has_stopped(conn, clinic, address, heard.event.channel, heard.person)
        # Others who share the address may not have stopped anything yet.
        people.withdraw(conn, clinic, address, people.AMBIGUOUS, now, heard.person)
        answer = DirectKind.OPTED_OUT if stopped else DirectKind.ASK
        conversations.cancel_waiting(conn, clinic, address, answer, now)
        return DirectKind.ASK if heard.stands is Visit.OPEN and not stopped else None

    def _answer(
        self, conn: Connection, kind: DirectKind, heard: Understood, reply: int, now: datetime
    ) -> None:
        """Queue the answer, unless the same was answered already: an SMSC may deliver a reply again."""
        clinic, address, person = self._clinic, heard.address, heard.person
        if self._was_answered(conn, kind, heard, now):
            return
        life = OPT_OUT_ANSWER_LIFE if kind is DirectKind.OPTED_OUT else ANSWER_LIFE
        language = people.language(conn, clinic.id, person) if person else None
        said = Answered(len(heard.to_come), ALL if heard.about.apart else ONE)
        text = Direct(kind, wording.answer(kind, clinic, language, said), reply, now + life)
        conversations.write(conn, clinic.id, address, person or 0, text, "ringwell", now, heard.visit)

    def _was_answered(self, conn: Connection, kind: DirectKind, heard: Understood, now: datetime) -> bool:
        clinic, address = self._clinic.id, heard.address
        if kind in _WISHES:
            return conversations.answered(conn, clinic, address, _WISHES, now - ANSWER_AGAIN) is kind
        since = now - (HELP_AGAIN if kind is DirectKind.HELP else ANSWER_AGAIN)
        about = None if kind is DirectKind.HELP else heard.visit
        return conversations.answered(conn, clinic, address, [kind], since, about) is not None
