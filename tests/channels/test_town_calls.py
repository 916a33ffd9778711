"""The town's telephones and fax machines, called from a bare Asterisk that knows nothing of the product.

All calls are placed at once, so that the whole takes as long as its fax.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from panoramisk import Manager
from PIL import Image

from gateway.asterisk.instance import Identity, Instance
from gateway.asterisk.provision import require
from gateway.settings import cache_folder
from gateway.town.audio import measure
from gateway.town.households import number
from gateway.town.ledger import Entry, read_ledger
from gateway.town.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER = "+12025550100"
MESSAGE_SECONDS = 4.0
RING_SECONDS = 6

_MODULES = """
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip
res_pjsip_pubsub res_pjsip_session res_pjsip_sdp_rtp res_pjsip_authenticator_digest res_pjsip_caller_id
res_pjsip_t38 res_pjsip_rfc3326 res_rtp_asterisk chan_pjsip bridge_simple codec_ulaw format_wav res_fax
res_fax_spandsp pbx_config app_amd app_playback app_read app_senddtmf app_userevent res_tonedetect
"""

_PJSIP = """
[loopback]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}
[town]
type = endpoint
transport = loopback
context = nobody
disallow = all
allow = ulaw
direct_media = no
aors = town
t38_udptl = yes
t38_udptl_ec = redundancy
[town]
type = aor
contact = sip:127.0.0.1:{town_port}
"""

# Listens as a clinic does, plays its message to people and machines, sends two digits before it leaves.
_EXTENSIONS = """
[nobody]
[message]
exten = s,1,AMD()
 same = n,UserEvent(Met,Call: ${{CALL}},Who: ${{AMDSTATUS}})
 same = n,GotoIf($["${{AMDSTATUS}}" = "MACHINE"]?machine)
 same = n,Read(KEY,{message},1,,1,1)
 same = n,UserEvent(Key,Call: ${{CALL}},Key: ${{KEY}})
 same = n,SendDTMF(42)
 same = n,Hangup()
 same = n(machine),WaitForTone(1000,300,30,1)
 same = n,Wait(0.4)
 same = n,Playback({message})
 same = n,Hangup()
[fax]
exten = s,1,Set(FAXOPT(localstationid)=+12025550100)
 same = n,SendFAX({fax},zf)
exten = h,1,UserEvent(Fax,Call: ${{CALL}},Status: ${{FAXSTATUS}})
"""

_MANAGER = """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {ami_port}
[tester]
secret = {secret}
read = user,call
write = originate
"""


@dataclass(frozen=True)
class Seen:
    """What the caller's side reported of one call, by the name that the test gave it."""

    hangup: Mapping[str, str]
    events: Mapping[str, Mapping[str, str]]


class Clinic:
    """A bare exchange that calls the town."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self.hangups: dict[str, Mapping[str, str]] = {}
        self.events: dict[str, dict[str, Mapping[str, str]]] = {}
        manager.register_event("Hangup", lambda _, event: self.hangups.update({event.Uniqueid: event}))
        manager.register_event("UserEvent", self._on_event)

    def call(self, name: str, address: str, context: str = "message") -> None:
        """Dial; `name` is what the call is known by from then on."""
        self._manager.send_action(
            {
                "Action": "Originate",
                "Channel": f"PJSIP/{address}@town",
                "ChannelId": name,
                "Context": context,
                "Exten": "s",
                "Priority": "1",
                "CallerID": CALLER,
                "Timeout": str(RING_SECONDS * 1000),
                "Async": "true",
                "Variable": f"CALL={name}",
            }
        )

    async def until_over(self, *names: str, seconds: float = 60) -> None:
        """Wait for the end of these calls."""
        async with asyncio.timeout(seconds):
            while not self.hangups.keys() >= set(names):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def seen(self, name: str) -> Seen:
        """What was reported of a call."""
        return Seen(self.hangups[name], self.events.get(name, {}))

    def _on_event(self, manager: Manager, event: Mapping[str, str]) -> None:
        self.events.setdefault(event["Call"], {})[event["UserEvent"]] = event


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("town")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(folder: Path, town: Town) -> AsyncIterator[Clinic]:
    instance = Instance(folder / "clinic", require(cache_folder()))
    identity = instance.identity()
    instance.configure(_configuration(identity, town.address.sip, folder))
    await instance.start()
    manager = Manager(
        host="127.0.0.1",
        port=identity.ami_port,
        username="tester",
        secret=identity.secret,
        events="user,call",
    )
    await manager.connect()
    await manager.authenticated_future
    yield Clinic(manager)
    manager.close()
    await instance.stop()


def _configuration(identity: Identity, town_port: int, folder: Path) -> dict[str, str]:
    values = asdict(identity) | {"town_port": town_port}
    values |= {"message": _message(folder).with_suffix(""), "fax": _fax(folder)}
    return {
        "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in _MODULES.split()),
        "pjsip.conf": _PJSIP.format(**values),
        "extensions.conf": _EXTENSIONS.format(**values),
        "manager.conf": _MANAGER.format(**values),
        "rtp.conf": "[general]\nrtpstart = {rtp_first}\nrtpend = {rtp_last}\n".format(**values),
        "udptl.conf": "[general]\nudptlstart = {udptl_first}\nudptlend = {udptl_last}\n".format(**values),
        "logger.conf": "[general]\n[logfiles]\nmessages => warning,error\n",
        "amd.conf": "[general]\n",
        "res_fax.conf": "[general]\n",
    }


def _message(folder: Path) -> Path:
    """Something to listen to: a warble, which is neither silence nor the tone of a voicemail."""
    times = np.arange(int(8000 * MESSAGE_SECONDS)) / 8000
    samples = 9000 * np.sin(2 * np.pi * 400 * times) * (1 + np.sin(2 * np.pi * 3 * times)) / 2
    with wave.open(str(folder / "message.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())
    return folder / "message.wav"


def _fax(folder: Path) -> Path:
    page = Image.new("1", (1728, 300), 1)
    page.save(folder / "fax.tif", save_all=True, append_images=[page], compression="group3", dpi=(204, 98))
    return folder / "fax.tif"


PLACES = {f"call-{voice}": number(voice, 0, voice) for voice in range(10)} | {
    "call-nobody": "+12024440000",
    "call-quick": number(1, 0, 1, area="900"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(town: Town, clinic: Clinic) -> dict[str, tuple[Seen, Entry]]:
    """One call to each kind of household, as the caller saw it and as the town wrote it down."""
    for name, address in PLACES.items():
        clinic.call(name, address, "fax" if address == number(8, 0, 8) else "message")
    await clinic.until_over(*PLACES)
    entries = await _ended(town, len(PLACES))
    return {name: (clinic.seen(name), entries[address]) for name, address in PLACES.items()}


async def _ended(town: Town, count: int) -> dict[str, Entry]:
    async with asyncio.timeout(60):
        while True:
            entries = read_ledger(town.ledger)
            if len(entries) == count and all(entry.ended for entry in entries):
                return {entry.address: entry for entry in entries}
            await asyncio.sleep(0.05)


Calls = Mapping[str, tuple[Seen, Entry]]


@pytest.mark.parametrize(("voice", "key"), [(0, "1"), (9, "9")])
async def test_a_household_answers_listens_and_presses_a_key(calls: Calls, voice: int, key: str) -> None:
    seen, entry = calls[f"call-{voice}"]
    assert seen.events["Met"]["Who"] == "HUMAN"
    assert seen.events["Key"]["Key"] == key
    assert (entry.kind, entry.result, entry.pressed) == ("call", "answered", key)
    assert (entry.address, entry.caller, entry.digits) == (number(voice, 0, voice), CALLER, "42")
    assert entry.hung_up_by == "caller"
    assert 1.0 < entry.voiced_seconds < MESSAGE_SECONDS


async def test_a_household_listens_to_the_end(calls: Calls, folder: Path) -> None:
    seen, entry = calls["call-1"]
    played = measure(folder / "message.wav")
    assert seen.events["Met"]["Who"] == "HUMAN"
    assert (entry.result, entry.pressed, entry.hung_up_by) == ("answered", "", "caller")
    assert entry.voiced_seconds == pytest.approx(played.voiced_seconds, abs=0.5)
    assert entry.seconds > played.seconds


async def test_a_household_hangs_up_after_two_seconds(calls: Calls) -> None:
    seen, entry = calls["call-2"]
    assert seen.hangup["Cause"] == "16"
    assert (entry.result, entry.hung_up_by) == ("answered", "household")
    assert entry.answered is not None
    assert entry.ended is not None
    assert 1.5 < (entry.ended - entry.answered).total_seconds() < 4.5


@pytest.mark.parametrize(
    ("name", "result", "sip", "cause"),
    [
        ("call-3", "busy", "486", "17"),
        ("call-5", "declined", "603", "21"),
        ("call-6", "unallocated", "404", "1"),
        ("call-nobody", "unallocated", "404", "1"),
    ],
)
async def test_a_call_is_refused(calls: Calls, name: str, result: str, sip: str, cause: str) -> None:
    seen, entry = calls[name]
    assert (seen.hangup["TechCause"], seen.hangup["Cause"]) == (sip, cause)
    assert (entry.result, entry.answered, entry.seconds) == (result, None, 0.0)
    assert entry.hung_up_by != "caller"


async def test_nobody_answers_until_the_caller_gives_up(calls: Calls) -> None:
    _, entry = calls["call-4"]
    assert (entry.result, entry.hung_up_by, entry.answered) == ("no-answer", "caller", None)
    assert entry.ended is not None
    assert (entry.ended - entry.at).total_seconds() == pytest.approx(RING_SECONDS, abs=1.5)


async def test_a_voicemail_greets_beeps_and_keeps_the_message(calls: Calls, folder: Path) -> None:
    seen, entry = calls["call-7"]
    assert seen.events["Met"]["Who"] == "MACHINE"
    assert (entry.result, entry.hung_up_by) == ("voicemail", "caller")
    kept = measure(Path(entry.recording))
    assert (kept.seconds, kept.voiced_seconds) == (entry.seconds, entry.voiced_seconds)
    assert kept.seconds == pytest.approx(MESSAGE_SECONDS, abs=0.7)
    assert kept.voiced_seconds == pytest.approx(measure(folder / "message.wav").voiced_seconds, abs=0.2)


async def test_a_fax_machine_keeps_every_page(calls: Calls) -> None:
    seen, entry = calls["call-8"]
    assert seen.events["Fax"]["Status"] == "SUCCESS"
    assert (entry.kind, entry.result, entry.pages, entry.error) == ("fax", "fax", 2, "")
    assert entry.station == CALLER
    with Image.open(entry.file) as image:
        assert getattr(image, "n_frames", 1) == 2


async def test_the_quick_range_answers_at_once_and_leaves_after_a_second(calls: Calls) -> None:
    _, entry = calls["call-quick"]
    assert (entry.result, entry.hung_up_by, entry.recording) == ("answered", "household", "")
    assert entry.ended is not None
    assert 0.9 < (entry.ended - entry.at).total_seconds() < 4.0


async def test_recordings_of_ordinary_calls_are_not_kept(calls: Calls, town: Town) -> None:
    assert list((town.folder / "calls").iterdir()) == []
    assert calls["call-1"][1].recording == ""


async def test_calls_that_are_up_end_with_the_exchange_and_it_comes_back(
    calls: Calls, town: Town, clinic: Clinic
) -> None:
    before = len(read_ledger(town.ledger))
    clinic.call("call-cut", number(1, 0, 50))
    async with asyncio.timeout(60):
        while len(read_ledger(town.ledger)) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await town.pause("exchange")
    cut = read_ledger(town.ledger)[-1]
    assert (cut.address, cut.hung_up_by) == (number(1, 0, 50), "exchange")
    assert cut.ended is not None
    await town.resume("exchange")
    clinic.call("call-back", number(3, 0, 51))
    await clinic.until_over("call-back")
    assert clinic.seen("call-back").hangup["TechCause"] == "486"
