"""DKIM signatures (RFC 6376, RFC 8463) with keys that an administrator keeps in files."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

import dkim

from gateway.settings import DkimKey, SettingsError

# The unsubscribe headers are signed too (RFC 8058); each that may be missing is left out where it is.
_HEADERS = (
    "from to subject date message-id mime-version content-type list-unsubscribe list-unsubscribe-post"
).split()
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.+?)-----END", re.DOTALL)
_SEED_BYTES = 32
# PKCS #8 of an Ed25519 key: a fixed head, then the seed (RFC 8410, 7).
_ED25519_HEAD = bytes.fromhex("302e020100300506032b657004220420")


class Signer:
    """One key; a mail may carry the signatures of several (RSA beside Ed25519)."""

    def __init__(self, selector: str, key: DkimKey, domain: str) -> None:
        """Raises SettingsError when the key file cannot be read or holds no key."""
        self.selector = selector
        self.domain = key.domain or domain
        self.algorithm, self._key = _read(selector, key.file.expanduser())

    def header(self, message: bytes) -> bytes:
        """The DKIM-Signature header of a message, with its line end."""
        names = [name.encode() for name in _HEADERS if _holds(message, name)]
        signature: bytes = dkim.sign(
            message,
            self.selector.encode(),
            self.domain.encode(),
            self._key,
            canonicalize=(b"relaxed", b"simple"),
            include_headers=names,
            signature_algorithm=self.algorithm.encode(),
        )
        return signature

    def published(self) -> str:
        """What the DNS must hold at `selector._domainkey.domain`, as one TXT value."""
        kind = "ed25519" if self.algorithm.startswith("ed25519") else "rsa"
        return f"v=DKIM1; k={kind}; p={_public(self.algorithm, self._key)}"


def _holds(message: bytes, name: str) -> bool:
    head = message[: message.find(b"\r\n\r\n") + 2].lower()
    return f"\r\n{name}:".encode() in b"\r\n" + head


def _read(selector: str, file: Path) -> tuple[str, bytes]:
    try:
        text = file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"setting dkim.{selector}.file: cannot read {file}: {error}") from error
    found = _PEM.search(text)
    if found is None:
        raise SettingsError(f"setting dkim.{selector}.file: {file} holds no private key in PEM form")
    der = _decoded(selector, file, found[2])
    if der.startswith(_ED25519_HEAD) and len(der) == len(_ED25519_HEAD) + _SEED_BYTES:
        return "ed25519-sha256", base64.b64encode(der[-_SEED_BYTES:])
    try:
        dkim.crypto.parse_pem_private_key(text.encode())
    except dkim.crypto.UnparsableKeyError as error:
        raise SettingsError(
            f"setting dkim.{selector}.file: {file} holds neither an RSA nor an Ed25519 key"
        ) from error
    return "rsa-sha256", text.encode()


def _decoded(selector: str, file: Path, body: str) -> bytes:
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"setting dkim.{selector}.file: {file} is not a key: {error}") from error


def _public(algorithm: str, key: bytes) -> str:
    if algorithm.startswith("ed25519"):
        from nacl.signing import SigningKey

        return base64.b64encode(bytes(SigningKey(base64.b64decode(key)).verify_key)).decode()
    parts = dkim.crypto.parse_pem_private_key(key)
    return base64.b64encode(_rsa_public(parts["modulus"], parts["publicExponent"])).decode()


def _rsa_public(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo of an RSA key (RFC 3279, 2.3.1)."""
    numbers = _der(0x30, _integer(modulus) + _integer(exponent))
    rsa = bytes.fromhex("300d06092a864886f70d0101010500")
    return _der(0x30, rsa + _der(0x03, b"\0" + numbers))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body
