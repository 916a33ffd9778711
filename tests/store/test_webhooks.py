"""Another program gets each change: signed, in order, and nothing about anybody unless it is asked for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from gateway import webhooks
from gateway.domain import State
from gateway.link import StoreLink
from gateway.settings import Webhook
from gateway.webhooks import Teller, signature
from store import changes, visits
from store.schema import message
from store.settle import Settlement
from tests.channels.waiting import until, until_true
from tests.exchange import running
from tests.store.world import CLINIC, OTHER, OWNER, World

PHONE = "+12025550107"
SECRET = "a secret of 24 letters or more"


@dataclass
class Program:
    """The other side, over plain sockets: answers with `status`, keeps what it was told and what it took."""

    status: int = 200
    seconds: float = 0.0
    port: int = 0
    asked: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                assert line.startswith(b"POST /told HTTP/1.1")
                headers = await _headers(reader)
                body = await reader.readexactly(int(headers["content-length"]))
                self.asked.append((headers, body))
                await asyncio.sleep(self.seconds)
                if self.status == 200:
                    self.taken += json.loads(body)["changes"]
                writer.write(f"HTTP/1.1 {self.status} Said\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    @property
    def states(self) -> list[str]:
        return [change["state"] for change in self.taken]


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    found = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        found[name.lower()] = value.strip()
    return found


@asynccontextmanager
async def listening(program: Program) -> AsyncIterator[None]:
    server = await asyncio.start_server(program, "127.0.0.1", program.port)
    program.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "LOOK_SECONDS", 0.02)


def teller(world: World, program: Program, owner: str = OWNER, **wanted: object) -> Teller:
    hook = Webhook.model_validate({"url": f"http://127.0.0.1:{program.port}/told", "secret": SECRET} | wanted)
    return Teller("hook", hook, StoreLink(world.store, 0.05), CLINIC, owner)


async def begun(world: World) -> None:
    await world.store.run(changes.write_down, True)
    await world.store.run(changes.register, CLINIC, "hook")


async def moved(world: World, count: int = 1) -> None:
    """Messages that are queued, then cancelled."""
    numbers = await world.messages(count, address=PHONE)
    await world.claim()
    await world.settle(*(Settlement(one, 0, State.CANCELLED, reason="no-consent") for one in numbers))


async def test_changes_are_told_in_order_with_a_signature_that_the_other_side_can_check(world: World) -> None:
    await begun(world)
    program = Program()
    async with listening(program), running(teller(world, program).run):
        await moved(world)
        await until(lambda: len(program.taken) == 2)
    assert program.states == ["queued", "cancelled"]
    assert program.taken[1]["cause"] == "no-consent"
    for headers, body in program.asked:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mine = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{mine}"
        assert int(headers["webhook-timestamp"]) == int(world.clock().timestamp())
        assert PHONE[1:] not in body.decode()


def test_the_signature_is_that_of_the_standard() -> None:
    # The example of the standard's own libraries.
    secret, moment = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "1614265330"
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}')
    assert signed == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_of_the_standard_may_lack_its_padding() -> None:
    padded = "whsec_" + base64.b64encode(b"k" * 25).decode()
    assert padded.endswith("==")
    hook = Webhook.model_validate({"url": "https://practice.example/", "secret": padded.rstrip("=")})
    unpadded = hook.secret.get_secret_value()
    assert signature(unpadded, "1", "2", b"{}") == signature(padded, "1", "2", b"{}")


async def test_a_webhook_that_cannot_be_told_at_all_is_said_once_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gateway.webhooks")
    await begun(world)
    usable = Webhook.model_validate({"url": "https://practice.example/", "secret": SECRET})
    for wrong in ({"url": "https://host:abc/"}, {"secret": SecretStr("whsec_*")}):
        hook = usable.model_copy(update=wrong)
        async with running(Teller("hook", hook, StoreLink(world.store, 0.05), CLINIC, OWNER).run):
            await moved(world)

            async def tried(least: int) -> bool:
                return (await world.store.read(changes.lag, CLINIC, "hook"))[1] >= least

            already = (await world.store.read(changes.lag, CLINIC, "hook"))[1]
            for more in (1, 2):
                world.clock.move(hours=1)
                await until_true(partial(tried, already + more))
    assert [record.message.split(" (")[0] for record in caplog.records] == ["webhook hook cannot be told"]


async def test_what_is_not_taken_is_told_again_and_nothing_overtakes_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gateway.webhooks")
    await begun(world)
    program = Program(status=503)
    async with listening(program), running(teller(world, program).run):
        await moved(world)
        await until(lambda: program.asked)
        await moved(world)
        await asyncio.sleep(0.2)
        assert len(program.asked) == 1, "it waits"
        world.clock.move(seconds=5)
        await until(lambda: len(program.asked) == 2)
        program.status = 200
        await asyncio.sleep(0.1)
        world.clock.move(seconds=30)
        await until(lambda: len(program.taken) == 4)
        # Taken is what the program counts: the gateway has its answer, and says so, a moment later.
        await until(lambda: len(caplog.records) == 2)
    assert program.states == ["queued", "cancelled"] * 2
    ids = [change["id"] for change in program.taken]
    assert len(set(ids)) == 4
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "webhook hook answers 503",
        "webhook hook takes what it is told again",
    ]


async def test_a_program_that_is_away_or_silent_costs_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 2.0)
    await begun(world)
    away, silent = Program(port=1), Program(seconds=60)
    async with listening(silent):
        for program, words in ((away, "cannot be reached"), (silent, "no answer within")):
            async with running(teller(world, program).run):
                await moved(world)

                async def said(words: str = words) -> bool:
                    return words in (await world.store.read(changes.lag, CLINIC, "hook"))[2]

                await until_true(said)
            world.clock.move(minutes=10)
    assert (await world.store.read(changes.lag, CLINIC, "hook"))[:2] == (4, 2)


async def test_a_life_that_died_before_it_noted_the_answer_tells_the_same_ids_again(world: World) -> None:
    await begun(world)
    program = Program(seconds=60)
    async with listening(program):
        async with running(teller(world, program).run):
            await moved(world)
            await until(lambda: program.asked)
        program.seconds = 0.0
        world.clock.move(minutes=2)
        async with running(teller(world, program, OTHER).run):
            await until(lambda: len({change["id"] for change in program.taken}) == 2)
    asked = [[change["id"] for change in json.loads(body)["changes"]] for _, body in program.asked]
    assert len(asked) > 1
    assert asked[0][0] == asked[1][0], "known by its id, it is ignored"


async def test_who_is_meant_is_told_only_where_it_is_chosen_and_states_can_be(world: World) -> None:
    await begun(world)
    person = await world.person("p7")
    program = Program()
    wanted = {"personal": True, "states": ["cancelled"]}
    async with listening(program), running(teller(world, program, **wanted).run):
        await moved(world, 2)
        numbers = [row["id"] for row in await world.rows(message)]
        await until(lambda: len(program.taken) == 2)
    assert program.states == ["cancelled"] * 2
    assert {change["message"] for change in program.taken} == set(numbers)
    assert {change["address"] for change in program.taken} == {PHONE}
    assert person


async def test_many_changes_go_in_few_requests(world: World) -> None:
    await begun(world)
    await moved(world, 95)
    program = Program()
    async with listening(program), running(teller(world, program).run):
        await until(lambda: len(program.taken) == 190)
    assert len(program.asked) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://practice.example/"}, "must begin with https"),
        ({"url": "ftp://practice.example/"}, "url"),
        ({"url": "https://host:abc/"}, "is not a web address"),
        ({"url": "https://[::1/"}, "is not a web address"),
        ({"url": "https://host:70000/"}, "is not a web address"),
        ({"secret": "short"}, "at least 24"),
        ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8IL*PZIo2LaLaSw"}, "must be base64 after whsec_"),
        ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwa"}, "must be base64 after whsec_"),
        ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8I"}, "at least 24 bytes"),
        ({"states": ["sent"]}, "states"),
    ],
)
def test_a_webhook_that_would_tell_the_network_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Webhook.model_validate({"url": "https://practice.example/", "secret": SECRET} | wrong)


@pytest.mark.parametrize(
    ("asked_for", "kinds"), [(True, ["message.states", "appointment.confirmed"]), (False, ["message.states"])]
)
async def test_answers_about_appointments_are_told_to_who_asks_for_them(
    world: World, asked_for: bool, kinds: list[str]
) -> None:
    await begun(world)
    await world.person("c1")
    await world.visit("a1", "c1")
    program = Program()
    await moved(world)
    await world.store.run(visits.mark, CLINIC, 1, world.clock())
    await moved(world)
    async with listening(program), running(teller(world, program, appointments=asked_for).run):
        await until(lambda: sum("message" in change for change in program.taken) == 4)
    bodies = [json.loads(body) for _, body in program.asked]
    assert list(dict.fromkeys(body["type"] for body in bodies)) == kinds
    answers = [change for change in program.taken if "appointment" in change]
    assert [(change["event"], change["appointment"]) for change in answers] == [
        ("appointment.confirmed", 1)
    ] * asked_for
    assert not any("recipient" in change for change in answers)
