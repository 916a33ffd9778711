"""The first administrator, who makes all other users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.accounts.rules import ADMINISTRATOR, SHIPPED
from store import accounts, audit
from store.accounts import Details
from store.audit import Deed


def make_first(
    conn: Connection, clinic: int, login: str, name: str, language: str, now: datetime
) -> int | None:
    """The first administrator's number; None when there is a user already."""
    accounts.hold(conn, clinic)
    if accounts.accounts(conn, clinic):
        return None
    accounts.ship(conn, clinic, SHIPPED)
    profile = next(one.id for one in accounts.profiles(conn, clinic) if one.shipped == ADMINISTRATOR)
    number = accounts.add(conn, clinic, Details(login, name, profile, language=language), now)
    audit.append(conn, clinic, Deed(number, name, "user-added", f"user:{number}"), now)
    return number
