"""PDFs as tests need them, written object by object; locked ones with the standard's first cipher."""

from __future__ import annotations

import hashlib
import re

_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_ID = b"0123456789abcdef"
# All that readers may do is print.
_RIGHTS = (-60).to_bytes(4, "little", signed=True)


def stream(fields: bytes, content: bytes) -> bytes:
    """An object with content."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (fields, len(content), content)


def written(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """The file: the first object is its catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, held in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, held)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    tail = b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (size, trailer, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + tail


def locked(objects: list[bytes], user: bytes, owner: bytes) -> bytes:
    """The file, its streams enciphered (40 bits RC4); an empty `user` opens it without a password."""
    entry_o = _rc4(hashlib.md5(_padded(owner)).digest()[:5], _padded(user))
    key = hashlib.md5(_padded(user) + entry_o + _RIGHTS + _ID).digest()[:5]
    entry_u = _rc4(key, _PAD)
    secret = [_enciphered(held, number, key) for number, held in enumerate(objects, 1)]
    lock = b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -60 >>"
    secret.append(lock % (entry_o.hex().encode(), entry_u.hex().encode()))
    named = _ID.hex().encode()
    return written(secret, b"/Encrypt %d 0 R /ID [<%s> <%s>]" % (len(secret), named, named))


def _enciphered(held: bytes, number: int, key: bytes) -> bytes:
    own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]

    def changed(match: re.Match[bytes]) -> bytes:
        return match[1] + _rc4(own, match[2]) + match[3]

    return re.sub(rb"(stream\n)(.*)(\nendstream)", changed, held, count=1, flags=re.DOTALL)


def _padded(password: bytes) -> bytes:
    return (password + _PAD)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for octet in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(octet ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
