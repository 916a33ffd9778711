"""Who lives at which number or mailbox, and what they do: one table per channel, pure.

A number is `+1 AAA 555 VSNN`: any area code, then V how the telephone behaves, S how texts behave and NN
an index. Area codes 900 and 901 are the quick ranges of the benches: every number answers at once and hangs
up after a second (900) or seventeen (901), and nothing is recorded. In area code 955 V is how people deal
with a menu, in 966 how machines beep, in 977 what ails fax machines; in 989 S is what the SMSC makes hard.
A mailbox behaves by the start of its local part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Manner = Literal["answer", "menu", "hang-up", "refuse", "ring", "voicemail", "fax"]
# When a receipt comes: soon after the response, before it, a second time, or late; "enroute": an
# intermediate one precedes it.
Comes = Literal["after", "before", "twice", "late", "enroute"]
# How ids and receipts are written: numbers in decimal or hexadecimal, padded with zeros, on either side; the
# words untidy and without TLVs; TLVs without words.
Dialect = Literal["usual", "hex-receipts", "hex-responses", "untidy-words", "bare-tlvs"]

QUICK_AREA = "900"
TALK_AREA = "901"
# Seconds that somebody of these areas stays on the line.
QUICK_STAYS = {QUICK_AREA: 1, TALK_AREA: 17}
# Here people know what a menu is: V is a line of MENU_TELEPHONES.
MENU_AREA = "955"
# Here machines answer: V is a line of MACHINE_TELEPHONES.
MACHINE_AREA = "966"
# Here are fax machines with troubles: V is a line of FAX_TELEPHONES.
FAX_AREA = "977"
# Here the SMSC pauses us, or its receipts are in a dialect: S is a line of HARD_TEXTS.
SMSC_AREA = "989"
VOICEMAIL_SECONDS = 120
_NUMBER = re.compile(r"\+1(?P<area>[2-9]\d\d)555(?P<voice>\d)(?P<text>\d)(?P<index>\d\d)")


@dataclass(frozen=True, slots=True)
class Telephone:
    """How calls to a number end: `result` is the ledger's word, times are seconds at pace 1.

    `thinks`: from hearing the caller speak to pressing a key. `stays`: at most, after the answer; only the
    household that hangs up early stays shorter at a quicker pace. A machine says `greeting`, is silent for
    `pause` and gives `beep` before it records: names of gateway.town.sounds, an empty beep is none. A fax
    machine `takes` faxes with these options of ReceiveFAX; its first call `breaks` so many seconds after the
    answer, or, with a `refusal`, is refused.
    """

    result: str
    manner: Manner
    rings: float = 1.0
    press: str = ""
    thinks: float = 2.0
    stays: float = 300.0
    refusal: int = 0
    greeting: str = "greeting"
    pause: float = 0.0
    beep: str = "beep"
    takes: str = "f"
    breaks: float = 0.0


@dataclass(frozen=True, slots=True)
class TextHabit:
    """What the SMSC does with a text, and what the household answers.

    `first`: the status that the first try of a text gets, before it is taken. `error`: of the receipt.
    """

    status: int = 0
    receipt: str = "DELIVRD"
    reply: str = ""
    first: int = 0
    comes: Comes = "after"
    dialect: Dialect = "usual"
    error: str = "000"


@dataclass(frozen=True, slots=True)
class MailHabit:
    """The SMTP reply to RCPT (none accepts), or to the first one alone, or the bounce that follows later."""

    refusal: str = ""
    first: str = ""
    bounce: str = ""


# V of the number. `refusal` is the SIP status that the caller gets.
TELEPHONES: tuple[Telephone, ...] = (
    Telephone("answered", "answer", press="1"),
    Telephone("answered", "answer"),
    Telephone("answered", "hang-up", stays=2.0),
    Telephone("busy", "refuse", refusal=486, rings=0.2),
    Telephone("no-answer", "ring"),
    Telephone("declined", "refuse", refusal=603),
    Telephone("unallocated", "refuse", refusal=404, rings=0.0),
    Telephone("voicemail", "voicemail", rings=1.5),
    Telephone("fax", "fax"),
    Telephone("answered", "answer", press="9"),
)

# V of a number in MENU_AREA: one key after the other, each after hearing speech again.
MENU_TELEPHONES: tuple[Telephone, ...] = (
    Telephone("answered", "menu", press="2"),
    Telephone("answered", "menu", press="31"),
    Telephone("answered", "menu", press="41", thinks=9.0),
    Telephone("answered", "menu", press="0"),
    Telephone("answered", "menu", press="771"),
    Telephone("answered", "menu", press="5"),
    Telephone("answered", "menu", press="0", stays=5.0),
    Telephone("answered", "menu", press="*1"),
    Telephone("answered", "menu", press="7777777", thinks=0.5),
    Telephone("answered", "menu", press="3333333333", thinks=0.5),
)

# V of a number in MACHINE_AREA.
MACHINE_TELEPHONES: tuple[Telephone, ...] = (
    Telephone("voicemail", "voicemail", beep="low"),
    Telephone("voicemail", "voicemail", beep="short"),
    Telephone("voicemail", "voicemail", beep="high"),
    Telephone("voicemail", "voicemail", beep="quiet"),
    Telephone("voicemail", "voicemail", beep=""),
    Telephone("voicemail", "voicemail", pause=2.0),
    Telephone("voicemail", "voicemail", greeting="long-greeting"),
    Telephone("voicemail", "voicemail", greeting="beeping-greeting"),
    Telephone("voicemail", "voicemail", greeting="short-greeting", beep="double"),
    Telephone("voicemail", "voicemail", greeting="endless-greeting"),
)

# V of a number in FAX_AREA.
FAX_TELEPHONES: tuple[Telephone, ...] = (
    Telephone("fax", "fax", takes="F"),
    Telephone("fax", "fax", breaks=11.0),
    Telephone("fax", "fax", breaks=30.0),
    Telephone("fax", "fax", refusal=486),
)

TELEPHONES_OF = {
    MENU_AREA: MENU_TELEPHONES,
    MACHINE_AREA: MACHINE_TELEPHONES,
    FAX_AREA: FAX_TELEPHONES,
}

# S of the number. 0x0B is ESME_RINVDSTADR; an empty receipt is one that never comes.
TEXT_HABITS: tuple[TextHabit, ...] = (
    TextHabit(),
    TextHabit(receipt=""),
    TextHabit(status=0x0B, receipt=""),
    TextHabit(receipt="UNDELIV", error="027"),
    TextHabit(reply="C"),
    TextHabit(reply="STOP"),
    TextHabit(),
    TextHabit(),
    TextHabit(),
    TextHabit(),
)

# S of a number in SMSC_AREA. 0x58 is ESME_RTHROTTLED, 0x14 ESME_RMSGQFUL; 001 is an unknown subscriber.
HARD_TEXTS: tuple[TextHabit, ...] = (
    TextHabit(first=0x58),
    TextHabit(first=0x14),
    TextHabit(comes="before"),
    TextHabit(comes="twice"),
    TextHabit(comes="late"),
    TextHabit(comes="enroute", receipt="UNDELIV", error="001"),
    TextHabit(dialect="hex-receipts"),
    TextHabit(dialect="hex-responses"),
    TextHabit(dialect="untidy-words"),
    TextHabit(dialect="bare-tlvs"),
)

# How a household stretches its delays, by patience class.
PATIENCE = (0.9, 0.95, 1.0, 1.05, 1.1)

# Start of the local part of a mailbox; any other mailbox accepts.
MAIL_HABITS: dict[str, MailHabit] = {
    "reject": MailHabit("550 5.1.1 No such user here"),
    "full": MailHabit("452 4.2.2 Mailbox full"),
    "grey": MailHabit(first="451 4.7.1 Greylisted, please come back later"),
    "moved": MailHabit(bounce="550 5.1.1 No such user here any more"),
    "overfull": MailHabit(bounce="552 5.2.2 Mailbox full"),
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the town taken apart."""

    area: str
    voice: int
    text: int
    index: int


def e164(dialled: str) -> str:
    """The number as the ledger writes it: digits after a plus."""
    return "+" + "".join(c for c in dialled if c.isdigit())


def parse_number(address: str) -> Number | None:
    """The parts of a number of the town; None where nobody lives."""
    found = _NUMBER.fullmatch(address)
    if not found:
        return None
    return Number(found["area"], int(found["voice"]), int(found["text"]), int(found["index"]))


def number(voice: int, text: int = 0, index: int = 0, area: str = "212") -> str:
    """The number whose telephone and texts behave so; for tests and demo data."""
    return f"+1{area}555{voice}{text}{index:02d}"


def text_habit(address: str) -> TextHabit:
    """What happens to a text for this number; outside the town it is rejected."""
    parts = parse_number(address)
    if parts is None:
        return TextHabit(status=0x0B, receipt="")
    return (HARD_TEXTS if parts.area == SMSC_AREA else TEXT_HABITS)[parts.text]


def mail_habit(mailbox: str) -> MailHabit:
    """What happens to a mail for this mailbox."""
    local = mailbox.rpartition("@")[0].lower()
    return next((habit for start, habit in MAIL_HABITS.items() if local.startswith(start)), MailHabit())


def kind_of_call(address: str) -> Literal["call", "fax"]:
    """What the ledger calls a call to this number."""
    parts = parse_number(address)
    return "fax" if parts and telephone(parts).manner == "fax" else "call"


def telephone(parts: Number) -> Telephone:
    """The telephone at this number."""
    return TELEPHONES_OF.get(parts.area, TELEPHONES)[parts.voice]


def patience_class(seed: int, index: int) -> int:
    """Which of PATIENCE a household has; exchange.conf counts the same."""
    return (7 * index + seed) % len(PATIENCE)
