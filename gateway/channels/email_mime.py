"""Addresses, header words and body parts as RFC 5322 and MIME write them, with CRLF. Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from functools import lru_cache
from urllib.parse import quote

from gateway.domain import Attachment, ContentError, Mail, UnsafeValueError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNSAFE_IN_BODY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NEWLINE = re.compile(r"\r\n|\r|\n")
# Dot-strings and domains only: quoted local parts and address literals are nobody's mailbox here.
_MAILBOX = re.compile(r"[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@]+@[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LINE, _LONGEST_LINE, _LONGEST_ADDRESS = 76, 998, 254


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that may stand in a command and in a header."""

    address: str

    @property
    def utf8(self) -> bool:
        """Whether the relay must know SMTPUTF8."""
        return not self.address.isascii()

    @property
    def domain(self) -> str:
        """What follows the @."""
        return self.address.rpartition("@")[2]


def mailbox(address: str) -> Mailbox:
    """The address with its domain in ASCII; UnsafeValueError when it could be more than one address."""
    if not _MAILBOX.fullmatch(address) or len(address) > _LONGEST_ADDRESS:
        raise UnsafeValueError("an email address is not of the form name@domain")
    local, _, domain = address.rpartition("@")
    try:
        return Mailbox(f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}")
    except UnicodeError as error:
        raise UnsafeValueError("the domain of an email address cannot be written in ASCII") from error


def check_mail(mail: Mail) -> None:
    """Raise ContentError for a mail that can never be sent."""
    for value in (mail.subject, mail.to_name):
        refuse_control(value)
    for item in mail.attachments:
        refuse_control(item.name, item.type)
    for body in (mail.text, mail.html):
        if _UNSAFE_IN_BODY.search(body):
            raise UnsafeValueError("the mail holds a control character: remove it from the template or data")
        if not body.strip():
            raise ContentError("the mail lacks its text or its HTML")
    try:
        "".join((mail.subject, mail.to_name, mail.text, mail.html)).encode()
    except UnicodeEncodeError as error:
        raise ContentError("the mail holds half a character (a lone surrogate)") from error


def refuse_control(*values: str) -> None:
    """Raise UnsafeValueError for a value that could end its header."""
    if any(_CONTROL.search(value) for value in values):
        raise UnsafeValueError("a value for a mail header holds a line break or another control character")


def part(kind: str, text: str) -> bytes:
    """A text of this kind (`plain`, `html`, `calendar; method=…`) with its headers."""
    octets = _NEWLINE.sub("\r\n", text.rstrip("\r\n") + "\n").encode()
    how = "quoted-printable"
    # "=_" opens the boundary: it cannot stand in quoted-printable.
    if octets.isascii() and b"=_" not in octets and max(map(len, octets.split(b"\r\n"))) <= _LONGEST_LINE:
        how = "7bit"
    else:
        octets = b2a_qp(octets, istext=True)
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {how}\r\n\r\n"
    ).encode() + octets


@lru_cache(maxsize=4)
def attached(item: Attachment) -> bytes:
    """A file with its headers; its name travels as RFC 2231 wants it where it is not ASCII."""
    refuse_control(item.name, item.type)
    name = "filename=" + '"' + item.name.replace("\\", "_").replace('"', "'") + '"'
    if not item.name.isascii():
        name = "filename*=utf-8''" + quote(item.name, safe="")
    head = (
        f"Content-Type: {item.type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {name}\r\n\r\n"
    )
    return head.encode() + encodebytes(item.octets).replace(b"\n", b"\r\n")


def several(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """Parts as one multipart body with its own header."""
    mark = b"\r\n--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + one for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode() + body + mark + b"--\r\n"


def words(header: str, text: str) -> str:
    """Unstructured text: as it is where short and ASCII, else folded or in encoded words."""
    plain = text.isascii() and "=?" not in text
    if plain and len(text) + len(header) + 2 <= _LINE:
        return text
    charset = "us-ascii" if plain and max(map(len, text.split()), default=0) <= _LINE else "utf-8"
    return Header(text, charset, header_name=header).encode(linesep="\r\n")


def person(header: str, name: str, box: Mailbox) -> str:
    """A name with its mailbox, folded where it is long."""
    refuse_control(name)
    if not name:
        return box.address
    if not name.isascii() or "=?" in name:
        shown = Header(name, "utf-8", header_name=header).encode(linesep="\r\n")
    elif _ATOMS.fullmatch(name):
        shown = name
    else:
        shown = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    fold = "\r\n" if len(header) + len(shown) + len(box.address) + 5 > _LINE else ""
    return f"{shown}{fold} <{box.address}>"
