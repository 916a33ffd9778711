"""What is rendered into Asterisk's configuration, and what never is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import dialplan
from dialplan import DialplanError
from gateway.asterisk import variables
from gateway.exchange import features
from gateway.settings import Settings

TRUNK: dict[str, dialplan.Value] = {
    "name": "trunk-main",
    "host": "127.0.0.1",
    "port": 5070,
    "username": "",
    "password": "",
    "codecs": "ulaw,alaw",
    "t38": "yes",
    "qualify_seconds": 30,
    "match": "127.0.0.1:5070",
}
VALUES: dict[str, dialplan.Value | list[dict[str, dialplan.Value]]] = {
    **variables.for_dialplan(),
    "ami_port": 5038,
    "ami_user": "ringwell",
    "ami_secret": "s3cret-_X",
    "ami_permit": "127.0.0.1",
    "transport": "transport",
    "gateway_host": "127.0.0.1",
    "sip_address": "127.0.0.1",
    "sip_port": 5060,
    "rtp_first": 10000,
    "rtp_last": 10999,
    "udptl_first": 12000,
    "udptl_last": 12499,
    "trunks": [TRUNK],
    "front_desk": "PJSIP/201@staff-line",
    "desk_ring_seconds": 25,
    "transfer_seconds": 1800,
    "staff_host": "",
    "staff_port": 5060,
    "staff_match": "",
    "staff_username": "",
    "staff_password": "",
    "studio_extension": "7700",
    "studio_seconds": 3600,
    "callback": False,
    "callback_port": 4574,
    "callback_secret": "s3cret-_Z",
    "callback_seconds": 900,
    "fax_numbers": [],
    "shared_numbers": [],
    "fax_folder": "/srv/faxes",
    "fax_in_seconds": 1800,
    "agi_port": 4573,
    "ear_port": 5998,
    "ear_secret": "00000000-0000-4000-8000-000000000000",
    "agi_secret": "s3cret-_Y",
}
FILES = dialplan.render(VALUES)
_STEP = re.compile(r"^ ?(?:exten = [^,]+,1|same = n(?:\([a-z]+\))?),(\w+)\(", re.MULTILINE)


def test_no_placeholder_is_left_over() -> None:
    for name, text in FILES.items():
        assert "<<" not in text, name
        assert "{%" not in text, name


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        dialplan.render({name: value for name, value in VALUES.items() if name != "ami_secret"})


@pytest.mark.parametrize("value", ["a\nb", "a\r\n[evil]", "a;b", "${SHELL(id)}", "$[1+1]", "a\x00", "a\x7f"])
def test_a_value_that_would_change_the_meaning_is_refused(value: str) -> None:
    with pytest.raises(DialplanError, match="trunks: host"):
        dialplan.render(VALUES | {"trunks": [TRUNK | {"host": value}]})


def test_modules_are_loaded_by_name_alone() -> None:
    assert "autoload = no" in FILES["modules.conf"]
    loaded = re.findall(r"^load = (\S+)$", FILES["modules.conf"], re.MULTILINE)
    assert len(loaded) == len(set(loaded)) > 20
    for never in ("app_system.so", "func_shell.so", "res_ari.so", "app_voicemail.so", "pbx_spool.so"):
        assert never not in loaded


def test_every_application_that_the_dialplan_uses_is_loaded() -> None:
    homes = {
        "AMD": "app_amd.so",
        "Playback": "app_playback.so",
        "UserEvent": "app_userevent.so",
        "WaitForTone": "res_tonedetect.so",
        "WaitForSilence": "app_waitforsilence.so",
        "SendFAX": "res_fax.so",
        "ReceiveFAX": "res_fax.so",
        "Return": "app_stack.so",
        "While": "app_while.so",
        "EndWhile": "app_while.so",
        "AGI": "res_agi.so",
        "Dial": "app_dial.so",
        "Gosub": "app_stack.so",
        "ExecIf": "app_exec.so",
        "TryExec": "app_exec.so",
        "AudioSocket": "app_audiosocket.so",
    }
    core = {"Set", "Goto", "GotoIf", "Background", "WaitExten", "Hangup", "NoOp", "Wait", "Answer"}
    used = {
        application
        for name in re.findall(r"#include (\S+)", FILES["extensions.conf"])
        for application in re.findall(
            r"^ ?(?:exten = [^,]+,1|same = n(?:\([a-z]+\))?),(\w+)\(", FILES[name], re.MULTILINE
        )
    }
    used |= set(re.findall(r"TryExec\((\w+)\(", FILES["machines.conf"]))
    assert {"Set", "AMD", "SendFAX", "AudioSocket"} <= used
    assert used <= core | homes.keys()
    for application in used - core:
        assert f"load = {homes[application]}" in FILES["modules.conf"]


def test_the_manager_listens_on_loopback_with_least_rights() -> None:
    text = FILES["manager.conf"] + FILES["manager_user.conf"]
    assert "bindaddr = 127.0.0.1" in text
    assert re.findall(r"^(?:read|write) = (.*)$", text, re.MULTILINE) == [
        "call,user",
        "originate,call,reporting",
    ]
    assert "deny = 0.0.0.0/0.0.0.0" in text


def test_a_trunk_without_credentials_has_no_registration() -> None:
    assert "registration" not in FILES["pjsip_lines.conf"]
    named = dialplan.render(VALUES | {"trunks": [TRUNK | {"username": "clinic", "password": "pass#word"}]})
    assert "type = registration" in named["pjsip_lines.conf"]
    assert "password = pass#word" in named["pjsip_lines.conf"]


def test_nothing_from_outside_is_connected_to_anything() -> None:
    assert FILES["pjsip_lines.conf"].count("context = ") == 1
    assert "context = from-trunk" in FILES["pjsip_lines.conf"]
    applications = re.findall(r",1,(\w+)\(", FILES["inbound.conf"])
    assert applications == ["UserEvent"]
    assert re.findall(r"same = n,(\w+)", FILES["inbound.conf"]) == ["Hangup"]


def test_a_number_for_faxes_leads_to_the_fax_machine_alone() -> None:
    line = {"dialled": "+12025550108", "number": "+12025550108"}
    text = dialplan.render(VALUES | {"fax_numbers": [line]})["inbound.conf"]
    ours = text.partition("exten = +12025550108,1")[2].partition("exten = ")[0]
    assert re.findall(r"same = n,(\w+)", ours) == ["Set", "Goto"]
    assert "Goto(ringwell-fax-in,s,1)" in ours
    shared = dialplan.render(VALUES | {"shared_numbers": [line], "callback": True})["inbound.conf"]
    assert "exten = fax,1,Goto(ringwell-fax-in,s,1)" in shared


STAFF = dialplan.render(VALUES | {"staff_host": "192.0.2.5", "staff_match": "192.0.2.5"})


def test_the_studio_is_reached_from_the_clinics_own_exchange_alone() -> None:
    assert "from-staff" not in FILES["pjsip_lines.conf"]
    endpoints = re.findall(r"type = endpoint\n(?:.+\n)*?context = (\S+)", STAFF["pjsip_lines.conf"])
    assert endpoints == ["from-trunk", "from-staff"]
    assert "endpoint = staff-line\nmatch = 192.0.2.5\n" in STAFF["pjsip_lines.conf"]
    for name, text in STAFF.items():
        assert "7700" not in text or name == "studio.conf", name
    assert re.findall(r"^\[(.+)\]$", STAFF["studio.conf"], re.MULTILINE) == ["from-staff", "ringwell-play"]
    staff, _, _ = STAFF["studio.conf"].partition("[ringwell-play]")
    assert _STEP.findall(staff) == ["Answer", "Set", "AGI", "Hangup"]
    assert "include" not in staff.replace("#include", "")


@pytest.mark.parametrize(
    ("provider", "pbx", "matches"),
    [
        (("198.51.100.1", 5060), ("192.0.2.5", 5060), ["198.51.100.1", "192.0.2.5"]),
        (("127.0.0.1", 5070), ("127.0.0.1", 5080), ["127.0.0.1:5070", "127.0.0.1:5080"]),
        (("192.0.2.5", 5070), ("192.0.2.5", 5060), ["192.0.2.5:5070", "192.0.2.5:5060"]),
    ],
)
def test_no_two_lines_are_known_by_the_same_address(
    provider: tuple[str, int], pbx: tuple[str, int], matches: list[str], tmp_path: Path
) -> None:
    lines = {
        "trunks": {"main": {"host": provider[0], "port": provider[1]}},
        "staff_line": {"host": pbx[0], "port": pbx[1]},
    }
    made = features(Settings.model_validate({"instance": tmp_path} | lines))
    text = dialplan.render(VALUES | made)["pjsip_lines.conf"]
    assert re.findall(r"^match = (.+)$", text, re.MULTILINE) == matches


def test_the_clinics_exchange_is_asked_for_a_password_where_one_is_set() -> None:
    assert "auth" not in STAFF["pjsip_lines.conf"].partition("[staff-line]")[2]
    named = {"staff_host": "192.0.2.5", "staff_username": "pbx", "staff_password": "hush"}
    text = dialplan.render(VALUES | named)["pjsip_lines.conf"]
    assert "auth = staff-line\noutbound_auth = staff-line\n" in text
    assert "username = pbx\npassword = hush\n" in text


def test_every_context_says_whom_it_trusts_or_what_it_is_for() -> None:
    for name in (
        "arrivals.conf",
        "call.conf",
        "fax.conf",
        "results.conf",
        "inbound.conf",
        "manager.conf",
        "manager_user.conf",
        "pjsip_lines.conf",
        "pjsip.conf",
        "studio.conf",
    ):
        assert FILES[name].lstrip().startswith(";"), name
