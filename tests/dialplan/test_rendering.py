"""What is rendered into Asterisk's configuration, and what never is."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

import dialplan
from dialplan import DialplanError
from gateway.asterisk import variables

VALUES: dict[str, dialplan.Value] = {
    **variables.for_dialplan(),
    "ami_port": 5038,
    "ami_user": "ringwell",
    "ami_secret": "s3cret-_X",
    "sip_address": "127.0.0.1",
    "sip_port": 5060,
    "rtp_first": 10000,
    "rtp_last": 10999,
    "udptl_first": 12000,
    "udptl_last": 12499,
    "trunk_host": "127.0.0.1",
    "trunk_port": 5070,
    "trunk_username": "",
    "trunk_password": "",
    "max_call_seconds": 180,
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
    with pytest.raises(DialplanError, match="trunk_host"):
        dialplan.render(VALUES | {"trunk_host": value})


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
    text = FILES["manager.conf"]
    assert "bindaddr = 127.0.0.1" in text
    assert re.findall(r"^(?:read|write) = (.*)$", text, re.MULTILINE) == [
        "call,user",
        "originate,call,reporting",
    ]
    assert "deny = 0.0.0.0/0.0.0.0" in text


def test_a_trunk_without_credentials_has_no_registration() -> None:
    assert "registration" not in FILES["pjsip.conf"]
    named = dialplan.render(VALUES | {"trunk_username": "clinic", "trunk_password": "pass#word"})
    assert "type = registration" in named["pjsip.conf"]
    assert "password = pass#word" in named["pjsip.conf"]


def test_nothing_from_outside_is_connected_to_anything() -> None:
    assert FILES["pjsip.conf"].count("context = ") == 1
    assert "context = from-trunk" in FILES["pjsip.conf"]
    applications = re.findall(r",1,(\w+)\(", FILES["inbound.conf"])
    assert applications == ["Hangup"]


STAFF = dialplan.render(VALUES | {"staff_host": "192.0.2.5", "staff_match": "192.0.2.5:5060"})


def test_the_studio_is_reached_from_the_clinics_own_exchange_alone() -> None:
    assert "from-staff" not in FILES["pjsip.conf"]
    endpoints = re.findall(r"type = endpoint\n(?:.+\n)*?context = (\S+)", STAFF["pjsip.conf"])
    assert endpoints == ["from-trunk", "from-staff"]
    assert "endpoint = staff-line\nmatch = 192.0.2.5:5060\n" in STAFF["pjsip.conf"]
    for name, text in STAFF.items():
        assert "7700" not in text or name == "studio.conf", name
    assert re.findall(r"^\[(.+)\]$", STAFF["studio.conf"], re.MULTILINE) == ["from-staff", "ringwell-play"]
    staff, _, _ = STAFF["studio.conf"].partition("[ringwell-play]")
    assert _STEP.findall(staff) == ["Answer", "Set", "AGI", "Hangup"]
    assert "include" not in staff.replace("#include", "")


def test_the_clinics_exchange_is_asked_for_a_password_where_one_is_set() -> None:
    assert "auth" not in STAFF["pjsip.conf"].partition("[staff-line]")[2]
    named = {"staff_host": "192.0.2.5", "staff_username": "pbx", "staff_password": "hush"}
    text = dialplan.render(VALUES | named)["pjsip.conf"]
    assert "auth = staff-line\noutbound_auth = staff-line\n" in text
    assert "username = pbx\npassword = hush\n" in text


def test_every_context_says_whom_it_trusts_or_what_it_is_for() -> None:
    for name in (
        "call.conf",
        "fax.conf",
        "results.conf",
        "inbound.conf",
        "manager.conf",
        "pjsip.conf",
        "studio.conf",
    ):
        assert FILES[name].lstrip().startswith(";"), name
