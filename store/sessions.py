"""Browsers that came in, and every try to. What a user may do is read with the session: it holds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select, update

from store import ids
from store.accounts import ACCOUNTS, Account, account_of
from store.accounts_tables import account, device, session, sign_in_try
from store.upsert import insert_into

_s, _d, _y = session.c, device.c, sign_in_try.c
# Longer than any limit looks back, and than a browser stays known without signing in.
_TRIES_KEPT = timedelta(days=1)
_DEVICES_KEPT = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that came in. `stage`: "in", or what it still has to show; `browser`: its own name."""

    digest: str
    account: Account
    stage: str
    browser: str
    began: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class Try:
    """A try to sign in: the login's digest, where it came from, and the digest of a known browser."""

    login: str
    source: str
    device: str
    at: datetime


_QUERY = (
    ACCOUNTS.add_columns(_s.digest, _s.stage, _s.browser, _s.began, _s.seen)
    .join(session, and_(_s.clinic == account.c.clinic, _s.account == account.c.id))
    .where(account.c.enabled)
)


def begin(
    conn: Connection, clinic: int, digest: str, number: int, stage: str, browser: str, now: datetime
) -> None:
    """A browser of this user comes in."""
    values = {"clinic": clinic, "digest": digest, "account": number, "stage": stage, "browser": browser}
    conn.execute(session.insert().values(**values, began=now, seen=now))


def find(conn: Connection, clinic: int, digest: str) -> Session | None:
    """A browser that came in, with its user as they stand now; None of one who may not any more."""
    row = conn.execute(_QUERY.where(_s.clinic == clinic, _s.digest == digest)).first()
    return _session(row) if row else None


def of_account(conn: Connection, clinic: int, number: int) -> list[Session]:
    """The browsers of a user, the one last seen first."""
    query = _QUERY.where(_s.clinic == clinic, _s.account == number).order_by(_s.seen.desc())
    return [_session(row) for row in conn.execute(query)]


def _session(row: Sequence[object]) -> Session:
    digest, stage, browser, began, seen = row[-5:]
    return Session(digest, account_of(row[:-5]), stage, browser, began, seen)  # type: ignore[arg-type]


def touch(conn: Connection, clinic: int, digest: str, now: datetime) -> None:
    """Its user did something."""
    conn.execute(update(session).where(_s.clinic == clinic, _s.digest == digest).values(seen=now))


def promote(conn: Connection, clinic: int, digest: str, stage: str) -> None:
    """It has shown what it had to."""
    conn.execute(update(session).where(_s.clinic == clinic, _s.digest == digest).values(stage=stage))


def end(conn: Connection, clinic: int, digest: str) -> None:
    """Sign one browser out."""
    conn.execute(delete(session).where(_s.clinic == clinic, _s.digest == digest))


def end_all(conn: Connection, clinic: int, number: int, but: str = "") -> int:
    """Sign all browsers of a user out, but one; how many they were."""
    mine = _s.clinic == clinic, _s.account == number, _s.digest != but
    return conn.execute(delete(session).where(*mine)).rowcount


def sweep(conn: Connection, clinic: int, seen_before: datetime, began_before: datetime) -> None:
    """Forget sessions that are over."""
    over = (_s.seen < seen_before) | (_s.began < began_before)
    conn.execute(delete(session).where(_s.clinic == clinic, over))


# --- tries ---

# From the tries of the last while, oldest first: until when no other is taken.
Judge = Callable[[Sequence[Try]], datetime | None]


def begin_try(conn: Connection, clinic: int, wanted: Try, since: datetime, judge: Judge) -> int | datetime:
    """Count a try as wrong before anything is compared; its number, or until when there is none."""
    # The counter's row puts all tries of the clinic in a queue, so that no two count the same past.
    number = ids.take(conn, clinic, "sign_in_try")
    conn.execute(delete(sign_in_try).where(_y.clinic == clinic, _y.at < wanted.at - _TRIES_KEPT))
    columns = (_y.login, _y.source, _y.device, _y.at)
    past = select(*columns).where(_y.clinic == clinic, _y.at >= since).order_by(_y.at, _y.id)
    until = judge([Try(*row) for row in conn.execute(past)])
    if until is not None and until > wanted.at:
        return until
    values = {"login": wanted.login, "source": wanted.source, "device": wanted.device, "at": wanted.at}
    conn.execute(sign_in_try.insert().values(clinic=clinic, id=number, **values))
    return number


def forgive(conn: Connection, clinic: int, number: int) -> None:
    """The try was right."""
    conn.execute(delete(sign_in_try).where(_y.clinic == clinic, _y.id == number))


# --- known browsers ---


def know(conn: Connection, clinic: int, digest: str, number: int, now: datetime) -> None:
    """A user signed in from this browser."""
    conn.execute(delete(device).where(_d.clinic == clinic, _d.at < now - _DEVICES_KEPT))
    made = insert_into(conn, device).values(clinic=clinic, digest=digest, account=number, at=now)
    conn.execute(
        made.on_conflict_do_update(index_elements=[_d.clinic, _d.digest, _d.account], set_={"at": now})
    )


def is_known(conn: Connection, clinic: int, digest: str, number: int) -> bool:
    """Whether this user signed in from this browser before."""
    mine = _d.clinic == clinic, _d.digest == digest, _d.account == number
    return conn.execute(select(_d.digest).where(*mine)).first() is not None
