"""`ringwell why` as staff would use it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway import broadcast
from gateway.__main__ import app
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RecipientKind, Source, State
from gateway.judged import judged
from gateway.known import known_of
from gateway.policy import Refuse, Rules, decide
from gateway.settings import Settings
from store import broadcasts, migrate, people, queue, register
from store.engine import Store
from store.people import Person
from store.settle import Settlement, settle

PHONE = "+12025550107"
runner = CliRunner()


@pytest.fixture
async def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A client who gets a text, and withdraws by text after it was planned."""
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    settings = Settings(instance=tmp_path)
    rules = Rules.of(settings)
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        now = store.clock()
        numbers = {Channel.SMS: PHONE}
        for name in ("Rosa Costa", "Samir Hansen"):
            given, family = name.split()
            person = Person(
                RecipientKind.CLIENT, f"C-{given}", given, family, "en", details=numbers, consent=True
            )
            await store.run(register.save_person, 1, person, now)
        wanted = _notice(now + timedelta(hours=1))
        number = await store.run(broadcasts.order, 1, wanted, now)
        async for _ in broadcast.plan(store, 1, broadcast.numbered(wanted, number), rules):
            pass
        await store.run(people.add_consent, 1, [1], False, Source.TEXT, store.clock())
    return settings


def _notice(send_at: Any) -> Broadcast:
    return Broadcast(
        id=0,
        name="Closed",
        type=MessageType.CLIENT_NOTICE,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.SMS,
        only_preference=True,
        send_at=send_at,
        starts_from=None,
        starts_until=None,
        templates={"sms": {"body": "<Practice> is closed tomorrow. Reply STOP to opt out."}},
    )


def _run(*words: str, fails: bool = False) -> str:
    done = runner.invoke(app, ["why", *words])
    assert (done.exit_code != 0) is fails, done.output
    return done.output if not fails else str(done.exception)


def _codes(found: Any) -> Iterator[Any]:
    if isinstance(found, dict):
        for value in found.values():
            yield from _codes(value)
    elif isinstance(found, list):
        for value in found:
            yield from _codes(value)
    else:
        yield found


def test_it_tells_the_plans_verdict_what_changed_since_and_what_holds_now(clinic: Settings) -> None:
    told = _run("C-Rosa")
    assert "Rosa Costa (client C-Rosa, our number 1)" in told
    assert "planned: Waits until" in told
    assert "since then: consent withdrawn by text on" in told
    assert "entry 3" in told
    assert "now: Not sent: Consent was withdrawn" in told
    assert "Call: Not sent: No address on record" in told
    assert PHONE not in told


def test_it_is_told_in_spanish(clinic: Settings) -> None:
    told = _run("C-Rosa", "--language", "es")
    assert "Rosa Costa (cliente C-Rosa, nuestro número 1)" in told
    assert "al planificar: Espera hasta el " in told
    assert "desde entonces: consentimiento retirado el " in told
    assert "asiento 3" in told
    assert "ahora: No se envía: Se retiró el consentimiento (consentimiento retirado el" in told
    assert "Llamada: No se envía: No consta ninguna dirección para esta vía" in told
    assert "Mensaje 1 (Texto del envío 1), programado" in told
    assert "Las horas son las de America/New_York." in told
    assert not {"Not sent", "withdrawn", "Waits", "planned", "entry"} & set(told.replace(":", " ").split())
    data = json.loads(_run("C-Rosa", "--language", "es", "--json"))
    assert data["messages"][0]["now"]["words"] == "No se envía: Se retiró el consentimiento"
    assert data["messages"][0]["now"]["reason"] == "consent-withdrawn"


def test_times_are_the_clinics_and_say_so(clinic: Settings) -> None:
    told = _run("C-Rosa")
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d E[SD]T  planned", told)
    assert "Times are those of America/New_York." in told


def test_it_is_asked_by_our_number_and_for_one_message(clinic: Settings) -> None:
    assert "Samir Hansen" in _run("2")
    assert "Message 2 (Text of broadcast 1), scheduled" in _run("2", "--message", "2")
    assert "no message 2 to this client" in _run("1", "--message", "2", fails=True)
    assert "no client" in _run("C-Nobody", fails=True)


def test_machines_get_codes_and_words(clinic: Settings) -> None:
    found = json.loads(_run("C-Rosa", "--json"))
    (message,) = found["messages"]
    (planned,) = message["verdicts"]
    assert (planned["phase"], planned["verdict"]) == ("plan", "defer")
    # By night it waits for the morning.
    assert planned["reason"] in ("broadcast-time", "outside-window", "outside-state-hours")
    assert planned["facts"].startswith("l3 s0.")
    (changed,) = message["changed_since"]
    assert (changed["what"], changed["entries"]) == ("consent", [3])
    assert (message["now"]["verdict"], message["now"]["reason"]) == ("refuse", "consent-withdrawn")
    assert {one["channel"] for one in found["now"]} == {"voice", "sms", "email", "fax"}
    assert PHONE not in [value for value in _codes(found) if isinstance(value, str)]


def test_a_stop_and_a_changed_setting_are_told_with_who_did_it(clinic: Settings) -> None:
    done = runner.invoke(app, ["stop", "--channel", "sms", "--reason", "fire", "--by", "Ben"])
    assert done.exit_code == 0
    wanted = [
        "settings",
        "set",
        "policy.consent.emergencies_without",
        "true",
        "--by",
        "Ana",
        "--note",
        "flood",
    ]
    assert runner.invoke(app, wanted).exit_code == 0
    told = _run("C-Samir")
    by_night = "outside the calling hours" in told.lower()
    assert by_night or "Waits until sending is resumed: All sending was stopped" in told
    assert "since then: texts were stopped by Ben on" in told
    assert ": fire" in told
    assert "setting policy.consent.emergencies_without set to true by Ana" in told
    assert "flood" in told


def test_it_is_told_also_where_messages_may_go_without_consent(clinic: Settings) -> None:
    wanted = ["settings", "set", "policy.no_consent.enabled", "true", "--by", "Ana"]
    assert runner.invoke(app, wanted).exit_code == 0
    assert "Text: " in _run("C-Samir")


async def _judged_at_dispatch(of: Settings) -> None:
    """What is due in two days is judged then, and what was decided settled."""
    async with Store(of.store_url) as store:
        now = store.clock() + timedelta(days=2)
        claimed = await store.run(queue.claim, 1, Channel.SMS, "gate/1", now, now + timedelta(minutes=1), 10)
        known, as_of = await known_of(store, 1, claimed)
        rules, settlements = Rules.of(of), []
        for item, found in zip(claimed, known, strict=True):
            verdict = decide(found, Channel.SMS, item.address, now, rules)
            if isinstance(verdict, Refuse):
                kept = judged(verdict, found, Channel.SMS, as_of, now, rules)
                settlements.append(Settlement(item.id, 0, State.REFUSED, reason=verdict.reason, judged=kept))
        await store.run(settle, 1, "gate/1", settlements, now)


def test_later_it_is_told_what_changed_between_plan_and_dispatch(clinic: Settings) -> None:
    asyncio.run(_judged_at_dispatch(clinic))
    told = _run("C-Rosa")
    assert "Message 1 (Text of broadcast 1), refused: Consent was withdrawn" in told
    assert "in between: consent withdrawn by text on" in told
    assert "before sending: Not sent: Consent was withdrawn (consent withdrawn by text on" in told
    assert "since then" not in told


async def _with_a_mailbox(settings: Settings) -> None:
    async with Store(settings.store_url) as store:
        mailbox = {Channel.EMAIL: "ana@example.org"}
        person = Person(RecipientKind.CLIENT, "C-Ana", "Ana", "Ito", "en", details=mailbox, consent=True)
        await store.run(register.save_person, 1, person, store.clock())


def test_the_preview_tells_who_stopped_what_and_why(clinic: Settings) -> None:
    """Whatever the hour: a mail waits for nothing else."""
    asyncio.run(_with_a_mailbox(clinic))
    stop = ["stop", "--reason", "the exchange is on fire", "--by", "Ben"]
    assert runner.invoke(app, stop).exit_code == 0
    wanted = ["broadcast", "plan", "--type", "client-notice", "--channel", "email"]
    told = " ".join(runner.invoke(app, wanted).output.split())
    assert "Until 'ringwell resume' nothing leaves: everything was stopped by Ben on" in told
    found = json.loads(runner.invoke(app, [*wanted, "--json"]).output)
    held = [one for one in found if one["decision"] == "defer"]
    assert held
    for one in held:
        assert (one["reason"], one["basis"]) == ("stopped", "stop:1")
        assert one["stopped"].startswith("everything was stopped by Ben on ")
        assert one["stopped"].endswith(": the exchange is on fire")
    assert runner.invoke(app, ["resume", "--by", "Ben"]).exit_code == 0
    assert "stopped" not in runner.invoke(app, wanted).output
