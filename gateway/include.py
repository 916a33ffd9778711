"""What an exchange that is there already needs of us: files to include, and nothing of its own changed."""

from __future__ import annotations

from pathlib import Path

import dialplan
from gateway.asterisk.runtime import AsteriskError
from gateway.exchange import features
from gateway.settings import Settings

# Included by extensions.conf, in our own folder.
FEATURES = (
    "inbound.conf",
    "call.conf",
    "machines.conf",
    "menu.conf",
    "desk.conf",
    "fax.conf",
    "arrivals.conf",
    "backs.conf",
    "results.conf",
    "studio.conf",
    "trials.conf",
)
FOLDER = "ringwell"


def included_files(settings: Settings) -> dict[str, str]:
    """By name below the exchange's configuration folder. AsteriskError where [asterisk] says too little."""
    asterisk = settings.asterisk
    if not asterisk.host or not asterisk.secret.get_secret_value():
        raise AsteriskError("set [asterisk] host and secret first: see docs/external-asterisk.md")
    own: dict[str, dialplan.Value] = {
        "ami_port": asterisk.ami_port,
        "ami_secret": asterisk.secret.get_secret_value(),
        "ami_permit": asterisk.gateway,
        "sip_address": "",
        "sip_port": 0,
        "rtp_first": 0,
        "rtp_last": 0,
        "udptl_first": 0,
        "udptl_last": 0,
        "transport": "",
        "gateway_host": asterisk.gateway,
    }
    made = dialplan.render(features(settings) | own)
    files = {f"{FOLDER}/{name}": made[name] for name in FEATURES}
    lines = [f"#include {FOLDER}/{name}" for name in FEATURES]
    return files | {
        f"{FOLDER}/extensions.conf": "\n".join(lines) + "\n",
        f"{FOLDER}/manager.conf": made["manager_user.conf"],
        f"{FOLDER}/pjsip.conf": made["pjsip_lines.conf"],
    }


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write them below a folder, readable by the owner alone: there are secrets in them."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
