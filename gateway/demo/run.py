"""The demo: a clinic's broadcasts from import to settled, and the comparison of both ledgers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway import broadcast as planning
from gateway import wording
from gateway.demo.clinic import DEMO, people
from gateway.demo.rehearsal import Plan, Rehearsal, RehearsalError, rehearsal
from gateway.demo.report import Report, gather, is_settled
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType
from gateway.policy import Rules
from gateway.town.ledger import read_ledger
from store import history
from store.engine import Store
from store.history import Filter
from voices.sample import make_sample_prompt

SETTLE_SECONDS = 210.0
# A call of an exchange that was killed rings on in the town; what SIP itself ends is ended by then.
QUIET_SECONDS = 40.0
Progress = Callable[[str, Counter[str], int], None]

_GREETING = "Hello, this is Harbor Street Clinic."
# The demo's calls open with a recorded prompt and stay short, as a clinic's would.
_VOICE = {
    "person": "[prompt:greeting] <ClientName>, you have an appointment on <ServiceDate> at <ServiceTime>. "
    "Press 1 to confirm. Press 9 to stop these calls. Our number is <CallBack>.",
    "machine": "[prompt:greeting] Please call us at <CallBack>.",
}


async def prepare(held: Rehearsal, store: Store) -> None:
    """Record the clinic's greeting and import its people."""
    prompts = held.folder / "prompts"
    prompts.mkdir(exist_ok=True)
    await asyncio.to_thread(make_sample_prompt, _GREETING, prompts / "greeting.wav")
    await held.import_clinic(store)


async def order(store: Store, held: Rehearsal, name: str, days_ahead: int) -> int:
    """Order the reminders for the appointments of one day; returns the broadcast's number."""
    settings = held.settings
    zone = ZoneInfo(settings.clinic.zone)
    local = datetime.now(UTC).astimezone(zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days_ahead)
    texts = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    texts["voice"] = dict(_VOICE)
    wanted = Broadcast(
        id=0,
        name=name,
        type=MessageType.UPCOMING_APPOINTMENTS,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.VOICE,
        only_preference=True,
        send_at=datetime.now(UTC),
        starts_from=day.astimezone(UTC),
        starts_until=(day + timedelta(days=1)).astimezone(UTC),
        templates=texts,
    )
    number = await planning.order(store, settings.clinic.id, wanted)
    pages = planning.plan(store, settings.clinic.id, planning.numbered(wanted, number), Rules.of(settings))
    async for _ in pages:
        pass
    return number


async def settle(store: Store, held: Rehearsal, progress: Progress, seconds: float = SETTLE_SECONDS) -> bool:
    """Wait until every message is settled and the town is quiet; False when the time is over."""
    until = time.monotonic() + seconds
    settled_since: float | None = None
    while (now := time.monotonic()) < until:
        if not held.daemon_running:
            raise RehearsalError(f"the gateway stopped by itself: read {held.daemon_log}")
        settled = await _all_settled(store, held, progress)
        settled_since = None if not settled else settled_since or now
        if settled_since is not None and (_is_quiet(held) or now - settled_since > QUIET_SECONDS):
            return True
        await asyncio.sleep(0.5)
    return False


async def _all_settled(store: Store, held: Rehearsal, progress: Progress) -> bool:
    entries = await store.read(history.entries, held.settings.clinic.id, Filter(), 100_000)
    counts = Counter(f"{entry.channel} {entry.state.value}" for entry in entries)
    progress("settling", counts, len(entries))
    return all(is_settled(entry, store.clock()) for entry in entries)


def _is_quiet(held: Rehearsal) -> bool:
    return all(entry.ended is not None for entry in read_ledger(held.ledger))


async def replies_in(store: Store, held: Rehearsal, seconds: float = 15.0) -> None:
    """Wait until the gateway has recorded as many answers as the town gave."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        given = sum(1 for entry in read_ledger(held.ledger) if entry.pressed in ("1", "9") or entry.reply)
        if len(await store.read(history.replies, held.settings.clinic.id)) >= given:
            return
        await asyncio.sleep(0.2)


async def demo(
    folder: Path, seed: int, console: bool, progress: Progress, stay: Callable[[Report, Rehearsal], object]
) -> Report:
    """Run the whole demo in `folder`; `stay` is called with the report while everything is still up."""
    plan = Plan(DEMO, seed=seed, console=console)
    refusing = [client.id for client, household in people(DEMO, seed) if not household.consent]
    progress("starting the town", Counter(), 0)
    async with rehearsal(folder, plan) as held, Store(held.settings.store_url) as store:
        progress("importing the clinic", Counter(), 0)
        await prepare(held, store)
        await order(store, held, "Appointments of tomorrow", 1)
        await held.start_daemon()
        await settle(store, held, progress)
        await replies_in(store, held)
        # The second broadcast asks whether the opt-outs of the first one hold.
        await order(store, held, "Appointments of the day after", 2)
        await settle(store, held, progress)
        await replies_in(store, held)
        report = await gather(store, held.settings.clinic.id, held.ledger, refusing)
        staying = stay(report, held)
        if asyncio.iscoroutine(staying):
            await staying
        return report
