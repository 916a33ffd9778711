"""`ringwell consent`, `do-not-call` and `client merge` as staff would use them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.commands import shared
from gateway.domain import Channel, RecipientKind
from gateway.settings import Settings
from store import migrate, register
from store.engine import Store
from store.people import Person

PHONE, OTHER = "+12025550107", "+12025550108"
runner = CliRunner()


@pytest.fixture
async def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A clinic with a client who was imported without consent, and one with."""
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path / "clinic"))
    settings = Settings(instance=tmp_path / "clinic")
    settings.folder.mkdir()
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        rosa = Person(RecipientKind.CLIENT, "C-1", "Rosa", "Costa", "en", details={Channel.SMS: PHONE})
        sam = Person(
            RecipientKind.CLIENT, "C-2", "Sam", "Ito", "en", details={Channel.SMS: OTHER}, consent=True
        )
        await store.run(register.save_people, 1, [rosa, sam], store.clock())
    return settings


def _run(*words: str, fails: bool = False) -> str:
    done = runner.invoke(app, [*words])
    assert (done.exit_code != 0) is fails, done.output
    return done.output if not fails else str(done.exception)


def _held(client: str) -> str | None:
    shown = json.loads(_run("consent", "show", client, "--json"))
    assert PHONE not in str(shown)
    held: str | None = next(one["refused"] for one in shown["holds"] if one["channel"] == "sms")
    return held


def _scan() -> bytes:
    held = io.BytesIO()
    Image.new("L", (80, 100), 255).save(held, "PNG")
    return held.getvalue()


def test_consent_on_paper_is_kept_with_the_document_and_shown_beside_its_entry(
    clinic: Settings, tmp_path: Path
) -> None:
    scan = tmp_path / "form.png"
    scan.write_bytes(_scan())
    assert _held("C-1") == "no-consent"
    assert "document has number 1" in _run("consent", "give", "C-1", "--document", str(scan), "--by", "Tara")
    assert _held("C-1") is None
    shown = _run("consent", "show", "C-1")
    assert "Tara" in shown
    (entry,) = json.loads(_run("consent", "show", "C-1", "--json"))["entries"]
    assert (entry["source"], entry["party"], entry["by"], entry["document"]) == ("form", "client", "Tara", 1)
    copy = tmp_path / "copy.png"
    _run("consent", "document", "1", "--out", str(copy))
    assert copy.read_bytes() == scan.read_bytes()
    assert [file.stat().st_mode & 0o777 for file in clinic.signed_documents.iterdir()] == [0o600]
    _run("consent", "document", "1", "--out", str(copy), fails=True)
    assert "no document 2" in _run("consent", "document", "2", "--out", str(copy), fails=True)


def _sheet() -> bytes:
    held = io.BytesIO()
    with pypdfium2.PdfDocument.new() as pdf:
        pdf.new_page(200, 200)
        pdf.save(held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "octets", "told"),
    [
        ("form.pdf", _sheet(), ""),
        ("form.pdf", b"%PDF-1.7 and nothing else", "damaged"),
        ("form.png", _scan()[:60], "damaged"),
        ("form.pdf", b"<html>", "no PDF, PNG, JPEG or TIFF"),
        ("form.png", b"\x89PNG\r\n\x1a\n" + bytes(2_000_000), "MB"),
    ],
)
def test_a_document_is_what_it_claims_to_be(
    clinic: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, octets: bytes, told: str
) -> None:
    monkeypatch.setenv("RINGWELL_POLICY__CONSENT__LARGEST_DOCUMENT", "1000000")
    file = tmp_path / name
    file.write_bytes(octets)
    said = _run("consent", "give", "C-1", "--document", str(file), fails=bool(told))
    assert told in said
    assert (_held("C-1") is None) is not bool(told)


def test_a_withdrawal_reaches_every_channel_and_what_is_named_can_be_given_again(clinic: Settings) -> None:
    assert "Consent was withdrawn" in _run("consent", "withdraw", "C-2", "--source", "staff")
    assert _held("C-2") == "consent-withdrawn"
    assert "may be contacted" in _run("consent", "give", "C-2", "--channel", "sms")
    assert _held("C-2") is None
    _run("consent", "withdraw", "C-2", "--address", "(202) 555-0108")
    assert _held("C-2") == "consent-withdrawn"


def test_what_cannot_be_written_down_is_told(clinic: Settings) -> None:
    assert "no client 'C-9'" in _run("consent", "show", "C-9", fails=True)
    assert "--source must be" in _run("consent", "give", "C-1", "--source", "bounce", fails=True)
    said = _run("consent", "withdraw", "C-1", "--address", "hello", fails=True)
    assert "neither a telephone number" in said


def test_numbers_come_onto_the_do_not_call_list_and_off_it(clinic: Settings, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("+1 202 555 0108\n\n")
    assert "2 added" in _run("do-not-call", "add", "+12025550199", "--file", str(more), "--by", "Tara")
    assert "0 added" in _run("do-not-call", "add", OTHER)
    assert _held("C-2") == "do-not-call"
    listed = json.loads(_run("do-not-call", "list", "--json", "--whole"))
    assert [(one["address"], one["by"]) for one in listed] == [("+12025550199", "Tara"), (OTHER, "Tara")]
    assert OTHER not in _run("do-not-call", "list")
    assert "1 taken off" in _run("do-not-call", "remove", OTHER)
    assert _held("C-2") is None


def test_bad_lines_are_named_and_the_others_taken(clinic: Settings, tmp_path: Path) -> None:
    more, bad = tmp_path / "more.txt", tmp_path / "bad.txt"
    more.write_text("+1 202 555 0108\n\nreception\n12\n+1 202 555 0199\n")
    add = ("do-not-call", "add", "nobody", "--file", str(more), "--bad-lines", str(bad))
    done = runner.invoke(app, [*add])
    assert done.exit_code == 1
    assert "line 3: '…on' is neither a telephone number nor an email address" in done.output
    assert "line 4: " in done.output
    assert "on the command line: '…dy' is neither" in done.output
    assert "2 added to the do-not-call list; 3 not taken, they are in" in done.output
    assert bad.read_text() == "nobody\nreception\n12\n"
    assert len(json.loads(_run("do-not-call", "list", "--json"))) == 2
    # The file that is there stays, and nothing is changed.
    more.write_text("+1 202 555 0177\nreception\n")
    _run(*add, fails=True)
    assert len(json.loads(_run("do-not-call", "list", "--json"))) == 2


def test_marketing_and_the_family_are_told_at_the_end(clinic: Settings, tmp_path: Path) -> None:
    scan = tmp_path / "form.png"
    scan.write_bytes(_scan())
    shown = _run("consent", "show", "C-2")
    assert "marketing, sms (+1 202 ••• 0108): No signed consent to marketing on record" in shown
    assert "family, sms (+1 202 ••• 0108): has not agreed, is told alone" in shown
    _run("consent", "give", "C-2", "--purpose", "marketing", "--document", str(scan))
    _run("consent", "give", "C-2", "--purpose", "family")
    shown = _run("consent", "show", "C-2")
    assert "marketing, sms (+1 202 ••• 0108): may be contacted" in shown
    assert "family, sms (+1 202 ••• 0108): agreed to share one message" in shown
    _run("consent", "withdraw", "C-2", "--purpose", "family")
    told = json.loads(_run("consent", "show", "C-2", "--json"))
    assert [one["refused"] for one in told["family"]] == ["not-shared"]
    assert OTHER not in str(told)


def test_a_document_is_found_by_its_own_number(
    clinic: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.out, "width", 200)
    scan = tmp_path / "form.png"
    scan.write_bytes(_scan())
    _run("consent", "give", "C-1")
    _run("consent", "give", "C-1", "--document", str(scan))
    shown = _run("consent", "show", "C-1")
    assert "Entry" in shown
    assert "document 1: form.png" in shown
    said = _run("consent", "document", "3", "--out", str(tmp_path / "copy.png"), fails=True)
    assert "last column of 'ringwell consent show CLIENT'" in said


def test_numbers_that_a_carrier_took_away_are_used_no_longer(clinic: Settings, tmp_path: Path) -> None:
    file = tmp_path / "deactivations.csv"
    file.write_text("number,date\n12025550108,20261101\n2025550155|x\n+1 202-555-0108\nnonsense\n")
    done = json.loads(_run("consent", "deactivations", str(file), "--json"))
    assert done == {"numbers": 3, "suppressed": 1}
    assert _held("C-2") == "bad-address"


def test_two_clients_become_one(clinic: Settings) -> None:
    _run("consent", "withdraw", "C-1")
    assert "C-1 is C-2 now" in _run("client", "merge", "C-2", "C-1", "--by", "Tara")
    assert _held("C-1") == _held("C-2") == "consent-withdrawn"
    assert "one client already" in _run("client", "merge", "C-2", "C-1", fails=True)
