"""What somebody chose the headings of a file to be: the next file of its kind is understood the same way."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from store.clients_tables import heading_choice
from store.outside import storable
from store.upsert import insert_into

_h = heading_choice.c


def remember(conn: Connection, clinic: int, kind: str, chosen: Mapping[str, str]) -> None:
    """Keep what each heading is; an empty name: nothing."""
    for heading, name in chosen.items():
        adding = insert_into(conn, heading_choice).values(
            clinic=clinic, kind=kind, heading=storable(heading), name=name
        )
        key = [_h.clinic, _h.kind, _h.heading]
        conn.execute(adding.on_conflict_do_update(index_elements=key, set_={"name": name}))


def remembered(conn: Connection, clinic: int, kind: str, headings: Collection[str]) -> dict[str, str]:
    """What is known of these headings."""
    asked = [storable(heading) for heading in headings]
    query = select(_h.heading, _h.name).where(_h.clinic == clinic, _h.kind == kind, _h.heading.in_(asked))
    return {row.heading: row.name for row in conn.execute(query)}
