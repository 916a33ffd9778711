"""Users of the console and their profiles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from gateway.domain import RecipientKind, RingwellError
from store import ids
from store.accounts_tables import account, device, profile, recovery_code, session
from store.schema import recipient

_a, _p, _c, _r = account.c, profile.c, recovery_code.c, recipient.c


class TakenError(RingwellError):
    """Another user has this login, or another profile this name."""


class LastError(RingwellError):
    """Nobody would be left who may manage users."""


class InUseError(RingwellError):
    """The profile is somebody's."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A set of rules under a name. `shipped`: the key of one that came with Ringwell; `users`: how many."""

    id: int
    name: str
    rules: frozenset[str]
    shipped: str | None = None
    users: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `staff`: the recipient's number where they are one; `has_second`: codes are asked for."""

    id: int
    login: str
    name: str
    email: str
    language: str
    profile: int
    profile_name: str
    rules: frozenset[str]
    enabled: bool
    staff: int | None = None
    has_password: bool = False
    has_second: bool = False


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a user has to know or have: hashes, and the secret of the second factor."""

    password_hash: str | None
    secret: str | None
    last_code: int


@dataclass(frozen=True, slots=True)
class Details:
    """What is written down of a user."""

    login: str
    name: str
    profile: int
    email: str = ""
    language: str = "en"
    staff: int | None = None
    enabled: bool = True


# --- profiles ---


def profiles(conn: Connection, clinic: int) -> list[Profile]:
    """All profiles by name, with how many users each has."""
    has_it = and_(_a.clinic == _p.clinic, _a.profile == _p.id)
    used = select(func.count()).select_from(account).where(has_it).scalar_subquery()
    query = select(_p.id, _p.name, _p.rules, _p.shipped, used).where(_p.clinic == clinic).order_by(_p.name)
    return [Profile(row[0], row[1], frozenset(row[2]), row[3], row[4]) for row in conn.execute(query)]


def ship(conn: Connection, clinic: int, shipped: Sequence[tuple[str, str, Collection[str]]]) -> None:
    """Write down the profiles that come with Ringwell, unless there are any: (key, name, rules)."""
    if conn.execute(select(_p.id).where(_p.clinic == clinic)).first() is None:
        first = ids.take(conn, clinic, "profile", len(shipped))
        rows = [
            {"clinic": clinic, "id": first + n, "name": name, "rules": sorted(rules), "shipped": key}
            for n, (key, name, rules) in enumerate(shipped)
        ]
        conn.execute(profile.insert(), rows)


def add_profile(conn: Connection, clinic: int, name: str, rules: Collection[str]) -> int:
    """A new profile; its number. TakenError."""
    _check_name(conn, clinic, name)
    number = ids.take(conn, clinic, "profile")
    values = {"clinic": clinic, "id": number, "name": name, "rules": sorted(rules), "shipped": None}
    conn.execute(profile.insert().values(**values))
    return number


def change_profile(
    conn: Connection, clinic: int, number: int, name: str, rules: Collection[str], needed: str
) -> None:
    """Another name or other rules, which hold at once; TakenError, or LastError: nobody has `needed` then."""
    hold(conn, clinic)
    _check_name(conn, clinic, name, number)
    mine = _p.clinic == clinic, _p.id == number
    conn.execute(update(profile).where(*mine).values(name=name, rules=sorted(rules)))
    _check_left(conn, clinic, needed)


def remove_profile(conn: Connection, clinic: int, number: int) -> None:
    """Forget a profile that nobody has; InUseError."""
    if conn.execute(select(_a.id).where(_a.clinic == clinic, _a.profile == number)).first():
        raise InUseError("this profile is somebody's: give those users another one first")
    conn.execute(delete(profile).where(_p.clinic == clinic, _p.id == number))


def _check_name(conn: Connection, clinic: int, name: str, number: int = 0) -> None:
    taken = select(_p.id).where(_p.clinic == clinic, _p.name == name, _p.id != number)
    if conn.execute(taken).first():
        raise TakenError("another profile has this name")


def _check_left(conn: Connection, clinic: int, needed: str) -> None:
    if not any(one.enabled and needed in one.rules for one in accounts(conn, clinic)):
        raise LastError("nobody would be left who may manage users: give somebody else that rule first")


# --- users ---

_FIELDS = [field.name for field in fields(Account)]
_COLUMNS = (
    _a.id,
    _a.login,
    _a.name,
    _a.email,
    _a.language,
    _a.profile,
    _p.name,
    _p.rules,
    _a.enabled,
    _a.staff,
    _a.password_hash.is_not(None),
    _a.secret.is_not(None),
)
ACCOUNTS = select(*_COLUMNS).join(profile, and_(_p.clinic == _a.clinic, _p.id == _a.profile))


def account_of(row: Sequence[Any]) -> Account:
    """A row of ACCOUNTS."""
    named = dict(zip(_FIELDS, row, strict=True))
    return Account(**named | {"rules": frozenset(named["rules"])})


def accounts(conn: Connection, clinic: int) -> list[Account]:
    """All users by name."""
    query = ACCOUNTS.where(_a.clinic == clinic).order_by(_a.name, _a.id)
    return [account_of(row) for row in conn.execute(query)]


def find(conn: Connection, clinic: int, number: int) -> Account | None:
    """A user by number."""
    row = conn.execute(ACCOUNTS.where(_a.clinic == clinic, _a.id == number)).first()
    return account_of(row) if row else None


def by_login(conn: Connection, clinic: int, login: str) -> Account | None:
    """A user by login, however it is typed."""
    row = conn.execute(ACCOUNTS.where(_a.clinic == clinic, _a.login == plain(login))).first()
    return account_of(row) if row else None


def plain(login: str) -> str:
    """A login as it is kept."""
    return login.strip().casefold()


def hold(conn: Connection, clinic: int) -> None:
    """Let nobody else change users until this transaction ends: what is looked at first stays so."""
    ids.take(conn, clinic, "account", 0)


def add(conn: Connection, clinic: int, details: Details, now: datetime) -> int:
    """A new user without a password; their number. TakenError."""
    if by_login(conn, clinic, details.login):
        raise TakenError("another user has this login")
    number = ids.take(conn, clinic, "account")
    fixed = {"clinic": clinic, "id": number, "created_at": now, "last_code": 0}
    conn.execute(account.insert().values(**fixed, **_values(details)))
    return number


def change(conn: Connection, clinic: int, number: int, details: Details, needed: str) -> None:
    """Other details; with another profile, or switched off, a user is signed out. TakenError, LastError."""
    hold(conn, clinic)
    before = find(conn, clinic, number)
    holder = by_login(conn, clinic, details.login)
    if holder is not None and holder.id != number:
        raise TakenError("another user has this login")
    conn.execute(update(account).where(_a.clinic == clinic, _a.id == number).values(**_values(details)))
    _check_left(conn, clinic, needed)
    if not details.enabled or (before is not None and before.profile != details.profile):
        conn.execute(delete(session).where(session.c.clinic == clinic, session.c.account == number))


def set_language(conn: Connection, clinic: int, number: int, language: str) -> None:
    """The language of a user's screens."""
    mine = _a.clinic == clinic, _a.id == number
    conn.execute(update(account).where(*mine).values(language=language))


def _values(details: Details) -> dict[str, Any]:
    return {
        "login": plain(details.login),
        "name": details.name,
        "email": details.email,
        "language": details.language,
        "profile": details.profile,
        "staff": details.staff,
        "enabled": details.enabled,
    }


def staff(conn: Connection, clinic: int) -> list[tuple[int, str]]:
    """Members of staff that a user may be: number and name."""
    mine = _r.clinic == clinic, _r.kind == RecipientKind.STAFF.value
    query = select(_r.id, _r.given_name, _r.family_name).where(*mine).order_by(_r.family_name, _r.given_name)
    return [(row[0], f"{row[1]} {row[2]}".strip()) for row in conn.execute(query)]


# --- what they have to know or have ---


def secrets_of(conn: Connection, clinic: int, number: int) -> Secrets | None:
    """What a user's password and codes are compared with."""
    query = select(_a.password_hash, _a.secret, _a.last_code).where(_a.clinic == clinic, _a.id == number)
    row = conn.execute(query).first()
    return Secrets(*row) if row else None


def set_password(conn: Connection, clinic: int, number: int, password_hash: str, now: datetime) -> None:
    """A new password; every browser is signed out, and strange again."""
    values = {"password_hash": password_hash, "password_at": now}
    conn.execute(update(account).where(_a.clinic == clinic, _a.id == number).values(**values))
    for made in (session, device):
        conn.execute(delete(made).where(made.c.clinic == clinic, made.c.account == number))


def set_second(
    conn: Connection,
    clinic: int,
    number: int,
    secret: str | None,
    recovery: Collection[str] = (),
    counter: int = 0,
) -> None:
    """The secret of the second factor with digests of recovery codes; None takes it away.

    `counter`: of the code that was shown with it, which opens nothing any more.
    """
    mine = _a.clinic == clinic, _a.id == number
    conn.execute(update(account).where(*mine).values(secret=secret, last_code=counter))
    set_recovery(conn, clinic, number, recovery)


def set_recovery(conn: Connection, clinic: int, number: int, recovery: Collection[str]) -> None:
    """Other recovery codes, by their digests; the ones before open nothing any more."""
    conn.execute(delete(recovery_code).where(_c.clinic == clinic, _c.account == number))
    if recovery:
        rows = [{"clinic": clinic, "account": number, "digest": one} for one in recovery]
        conn.execute(recovery_code.insert(), rows)


def use_code(conn: Connection, clinic: int, number: int, counter: int) -> bool:
    """Use up a code by its number; False when this one or a later one was used before."""
    mine = _a.clinic == clinic, _a.id == number, _a.last_code < counter
    return conn.execute(update(account).where(*mine).values(last_code=counter)).rowcount > 0


def use_recovery(conn: Connection, clinic: int, number: int, digest: str) -> bool:
    """Use up a recovery code; False when it is none."""
    mine = _c.clinic == clinic, _c.account == number, _c.digest == digest
    return conn.execute(delete(recovery_code).where(*mine)).rowcount > 0


def recovery_left(conn: Connection, clinic: int, number: int) -> int:
    """How many recovery codes are not used yet."""
    mine = _c.clinic == clinic, _c.account == number
    return conn.execute(select(func.count()).select_from(recovery_code).where(*mine)).scalar_one()
