"""What the DNS says about the clinic's mail becomes a finding, with the record to set."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.channels import email_dns
from gateway.channels.email_dkim import Signer
from gateway.channels.email_dns import Names, Record
from gateway.settings import DkimKey
from tests.channels.dns_peer import Zone, name_server
from tests.channels.test_email_dkim import private_key

DOMAIN, RELAY = "clinic.example", "mail.clinic.example"


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (["v=spf1 a:mail.clinic.example -all"], ""),
        ([], "v=spf1 a:mail.clinic.example -all"),
        (["v=spf1 -all", "v=spf1 mx -all"], "keep one"),
        (["v=spf1 +all"], "everybody"),
        (["google-site-verification=1"], "v=spf1"),
    ],
)
async def test_spf(texts: list[str], advice: str) -> None:
    zone: Zone = {(DOMAIN, "TXT"): [f'"{text}"' for text in texts]}
    async with name_server(zone) as resolver:
        _says(await email_dns.spf(Names(resolver), DOMAIN, RELAY), advice)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("v=DMARC1; p=reject", ""),
        ("v=DMARC1; p=none", "only watches"),
        (None, "_dmarc.clinic.example. IN TXT"),
    ],
)
async def test_dmarc(text: str | None, advice: str) -> None:
    zone: Zone = {("_dmarc.clinic.example", "TXT"): [f'"{text}"']} if text else {}
    async with name_server(zone) as resolver:
        _says(await email_dns.dmarc(Names(resolver), DOMAIN), advice)


@pytest.mark.parametrize("kind", ["Ed25519", "RSA"])
async def test_dkim_is_well_once_the_advised_record_is_set(tmp_path: Path, kind: str) -> None:
    signer = Signer("rw1", DkimKey(file=private_key(tmp_path, kind)), DOMAIN)
    async with name_server({}) as resolver:
        missing = await email_dns.dkim(Names(resolver), signer)
    assert missing.advice.startswith("set rw1._domainkey.clinic.example. IN TXT")
    value = missing.advice.split('"')[1]
    # A TXT string holds at most 255 characters, so that zone files cut a long key.
    cut = " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))
    async with name_server({("rw1._domainkey.clinic.example", "TXT"): [cut]}) as resolver:
        _says(await email_dns.dkim(Names(resolver), signer), "")
    async with name_server({("rw1._domainkey.clinic.example", "TXT"): ['"v=DKIM1; p=AAAA"']}) as resolver:
        assert "another key" in (await email_dns.dkim(Names(resolver), signer)).found


async def test_bounces_need_a_way_back() -> None:
    async with name_server({("back.clinic.example", "MX"): ["10 mail.clinic.example."]}) as resolver:
        _says(await email_dns.returns(Names(resolver), "back.clinic.example"), "")
        _says(await email_dns.returns(Names(resolver), "other.example"), "IN MX 10")


@pytest.mark.parametrize(
    ("name", "advice"), [("mail.clinic.example.", ""), ("other.example.", "PTR of 192.0.2.7"), (None, "PTR")]
)
async def test_a_relay_points_back_to_itself(name: str | None, advice: str) -> None:
    zone = {(RELAY, "A"): ["192.0.2.7"], ("other.example", "A"): ["192.0.2.9"]}
    if name:
        zone["7.2.0.192.in-addr.arpa", "PTR"] = [name]
    async with name_server(zone) as resolver:
        _says(await email_dns.pointer(Names(resolver), RELAY), advice)


def _says(record: Record, advice: str) -> None:
    assert advice in record.advice
    assert bool(record.advice) == bool(advice)
