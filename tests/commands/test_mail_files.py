"""Files of the clinic's own go with mails: looked at and kept when the broadcast is created."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.test_fax_document import clinic, kept_documents, says

__all__ = ["clinic"]

CREATE = ("broadcast", "create", "Flyer", "--type", "client-notice", "--channel", "email")


def test_each_file_is_kept_under_a_name_that_can_travel(tmp_path: Path, clinic: dict[str, str]) -> None:
    way, flyer = tmp_path / "the.way.pdf", tmp_path / "flyer.txt"
    way.write_bytes(b"%PDF-1.7")
    flyer.write_text("We have moved.")
    done = says(clinic, *CREATE, "--attach", str(way), "--attach", str(flyer), "--json")
    assert done.returncode == 0, done.stderr
    way.unlink()
    number = str(json.loads(done.stdout)["broadcast"])
    files = json.loads(says(clinic, "broadcast", "show", number, "--json").stdout)["templates"]["email.files"]
    assert set(files) == {"the_way.pdf", "flyer.txt"}
    kept = Path(files["the_way.pdf"])
    assert kept.read_bytes() == b"%PDF-1.7"
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "size", "more", "words"),
    [
        ("virus.exe", 10, (), "end in .pdf"),
        ("large.pdf", 11 << 20, (), "a mail carries 10"),
        ("fine.pdf", 10, ("--channel", "sms", "--everybody-by-channel"), "only mails carry files"),
        ("gone.pdf", None, (), "cannot read"),
    ],
)
def test_a_file_that_cannot_go_is_one_line_and_nothing_is_kept(
    tmp_path: Path, clinic: dict[str, str], name: str, size: int | None, more: tuple[str, ...], words: str
) -> None:
    file, fine = tmp_path / name, tmp_path / "way.pdf"
    fine.write_bytes(b"%PDF-1.7")
    if size is not None:
        with file.open("wb") as made:
            made.write(b"%PDF-1.7")
            made.truncate(size)
    done = says(clinic, *CREATE, *more, "--attach", str(fine), "--attach", str(file))
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert kept_documents(tmp_path) == []


def test_a_templates_file_can_name_no_file(tmp_path: Path, clinic: dict[str, str]) -> None:
    templates = tmp_path / "texts.toml"
    templates.write_text('[email.files]\n"way.pdf" = "/etc/passwd"\n')
    done = says(clinic, *CREATE, "--templates", str(templates))
    assert done.returncode == 2
    assert "is not a text we know" in done.stderr


def test_a_saved_template_takes_no_file_away(tmp_path: Path, clinic: dict[str, str]) -> None:
    way, texts = tmp_path / "way.pdf", tmp_path / "texts.toml"
    way.write_bytes(b"%PDF-1.7")
    texts.write_text('[email]\nsubject = "<Practice>"\nbody = "<Practice>: we have moved. <CallBack>"\n')
    saved = ("template", "save", "Moved", "--type", "client-notice", str(texts))
    assert says(clinic, *saved).returncode == 0
    done = says(clinic, *CREATE, "--template", "Moved", "--attach", str(way), "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(says(clinic, "broadcast", "show", "1", "--json").stdout)
    assert set(shown["templates"]["email.files"]) == {"way.pdf"}
