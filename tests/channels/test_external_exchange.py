"""An Asterisk that was there before: an administrator's own configuration, with our files included."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

import dialplan
from gateway.asterisk.instance import Instance, free_port
from gateway.asterisk.provision import provision, require
from gateway.asterisk.sounds import SoundShelf
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.doctor import examine
from gateway.doctor.exchange import judge
from gateway.domain import Attempt, Delivered, Prompt, Sounds
from gateway.exchange import ami_of, features
from gateway.include import included_files, write_files
from gateway.settings import Settings, VoiceSettings, cache_folder
from gateway.sounds import serve
from gateway.town.households import number
from gateway.town.ledger import read_ledger
from gateway.town.town import Town
from tests.exchange import renderer, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "an-administrators-choice"
HTTP_MODULES = "load = res_curl.so\nload = res_http_media_cache.so\n"


@dataclass
class There:
    """The exchange that was there, and settings that point at it."""

    exchange: Instance
    settings: Settings
    town: Town
    folder: Path


def administrators_files(instance: Instance, town: int, settings: Settings) -> Mapping[str, str]:
    """What somebody else configured, with three lines of ours."""
    identity = instance.identity()
    ports = {name: getattr(identity, name) for name in ("rtp_first", "rtp_last", "udptl_first", "udptl_last")}
    rest = {"ami_port": 0, "ami_secret": "", "ami_permit": "", "sip_address": "", "sip_port": 0}
    plain = dialplan.render(features(settings) | ports | rest | {"transport": "", "gateway_host": ""})
    kept = ("rtp.conf", "udptl.conf", "logger.conf", "amd.conf", "res_fax.conf")
    return {name: plain[name] for name in kept} | {
        "modules.conf": plain["modules.conf"] + HTTP_MODULES,
        "manager.conf": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {identity.ami_port}\n"
        "#include ringwell/manager.conf\n",
        "extensions.conf": "[general]\nstatic = yes\n\n[office]\nexten = 100,1,Hangup()\n\n"
        "#include ringwell/extensions.conf\n",
        "pjsip.conf": f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{identity.sip_port}\n\n"
        "[provider]\ntype = endpoint\ncontext = office\ndisallow = all\nallow = ulaw\naors = provider-way\n\n"
        f"[provider-way]\ntype = aor\ncontact = sip:127.0.0.1:{town}\n\n#include ringwell/pjsip.conf\n",
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Asterisk cuts the path of a fetched sound at some 75 characters: the folders of pytest are too deep.
    with tempfile.TemporaryDirectory(prefix="rw-") as name:
        yield Path(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(folder: Path) -> AsyncIterator[There]:
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    exchange = Instance(folder / "office", require(cache_folder()))
    identity = exchange.identity()
    async with Town(folder / "town", seed=1, pace=0.2) as town:
        settings = Settings.model_validate(
            {
                "instance": folder / "clinic",
                "asterisk": {
                    "host": "127.0.0.1",
                    "ami_port": identity.ami_port,
                    "sip_port": identity.sip_port,
                    "secret": SECRET,
                    "sounds_port": free_port(),
                },
                "trunks": {
                    "theirs": {"port": town.address.sip, "endpoint": "provider"} | QUICK,
                    "ours": {"port": town.address.sip, "priority": 1} | QUICK,
                },
            }
        )
        exchange.configure(administrators_files(exchange, town.address.sip, settings))
        write_files(included_files(settings), exchange.folder / "etc")
        await exchange.start()
        try:
            yield There(exchange, settings, town, folder)
        finally:
            await exchange.stop()


QUICK: Mapping[str, Any] = {"calls_per_second": 100, "ring_seconds": 15, "detect_machines": False}


@pytest.mark.parametrize("trunk", ["theirs", "ours"])
async def test_calls_over_it_play_sounds_that_it_fetched(there: There, trunk: str) -> None:
    settings = there.settings
    url = f"http://127.0.0.1:{settings.asterisk.sounds_port}"
    shelf = SoundShelf(b"secret of this installation", url, [there.folder])
    ami = ami_of(settings)
    lines = trunk_lines({trunk: settings.trunks[trunk]})
    voice = VoiceSettings(answer_seconds=1.0)
    channel = VoiceChannel(ami, lines, voice, renderer(there.folder), shelf.url)
    address = number(1, 0, len(trunk))
    async with running(channel.run, lambda: serve(shelf, settings.asterisk)):
        await ami.up()
        sounds = await renderer(there.folder)((Prompt("1.5"), Prompt("2.5")))
        outcome = await channel.send(Attempt(1, len(trunk), 1, address, Sounds(sounds, sounds)))
    assert isinstance(outcome, Delivered)
    assert outcome.evidence["trunk"] == trunk

    def calls() -> list[Any]:
        return [one for one in read_ledger(there.town.ledger) if one.address == address and one.ended]

    await until(lambda: bool(calls()))
    # Read twice: silence after the message repeats it.
    assert calls()[0].voiced_seconds > 6


async def test_only_a_sealed_address_of_a_sound_is_answered(there: There) -> None:
    (there.folder / "greeting.wav").write_bytes(b"RIFF")
    (there.folder / "private").mkdir()
    url = f"http://127.0.0.1:{there.settings.asterisk.sounds_port}"
    shelf = SoundShelf(b"secret", url, [there.folder / "town", there.folder])
    other = SoundShelf(b"another secret", url, [there.folder / "town", there.folder])
    right = shelf.url(there.folder / "greeting.wav")
    seal = right.removeprefix(url).split("/")[1]
    async with running(lambda: serve(shelf, there.settings.asterisk)), httpx.AsyncClient() as browser:
        async with asyncio.timeout(60):
            while not await _answers(browser, url):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await browser.get(right)).content == b"RIFF"
        for wrong in (
            other.url(there.folder / "greeting.wav"),
            f"{url}/1/greeting.wav",
            f"{url}/{seal}/1/town.toml",
            f"{url}/{seal}/1/../clinic/sounds.seal",
            f"{url}/{seal}",
            f"{url}/",
            shelf.url(there.folder / "private"),
            shelf.url(there.folder / "nothing.wav"),
        ):
            answer = await browser.get(wrong)
            assert (answer.status_code, answer.content) == (404, b""), wrong


async def _answers(browser: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await browser.get(url)).status_code == 404
    except httpx.ConnectError:
        return False


async def found(settings: Settings) -> dict[str, Any]:
    return {finding.part: finding for finding in await examine(settings, 15)}


async def test_the_doctor_tries_it(there: There) -> None:
    looked = await found(there.settings)
    parts = ("ami", "exchange version", "exchange dialplan", "exchange test call", "exchange sounds")
    assert {part: looked[part].well for part in parts} == dict.fromkeys(parts, True)
    assert "ended with SIP 4" in looked["exchange test call"].found
    trunks = {finding.found for part, finding in looked.items() if part.startswith("trunk ")}
    assert "the exchange does not know it" not in trunks


async def test_the_doctor_names_what_is_missing(there: There) -> None:
    wrong = there.settings.asterisk.model_copy(update={"secret": type(there.settings.asterisk.secret)("no")})
    looked = await found(there.settings.model_copy(update={"asterisk": wrong}))
    assert looked["ami"].found == "Authentication failed"
    assert "external-asterisk.md" in looked["ami"].advice
    extensions = there.exchange.folder / "etc" / "ringwell" / "extensions.conf"
    kept = extensions.read_text()
    extensions.write_text("")
    try:
        await there.exchange.ask("dialplan reload")
        looked = await found(there.settings)
        assert not looked["exchange dialplan"].well
        assert "ringwell-fax" in looked["exchange dialplan"].found
    finally:
        extensions.write_text(kept)
        await there.exchange.ask("dialplan reload")


async def test_an_exchange_whose_calls_end_without_a_sip_status_does_not_fit() -> None:
    assert judge({"Event": "Hangup", "TechCause": "401"}).well
    for bare in ({}, {"TechCause": ""}, {"TechCause": "nobody knows"}):
        finding = judge({"Event": "Hangup", "Cause": "17"} | bare)
        assert not finding.well
        assert "update" in finding.advice
