"""A process that looks at one signed document: the file on stdin, what it is on stdout.

`python -m gateway.documents.signed_worker`; the answer is `{"media_type": …}` or `{"bad": …, "why": words}`.
"""

from __future__ import annotations

import io
import json
import os
import sys

from gateway.documents.errors import BadDocumentError
from gateway.documents.picture import MOST_PIXELS
from gateway.documents.signed import CPU_SECONDS, MOST_PAGES
from gateway.documents.worker import confine

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": ("PNG", "image/png"),
    b"\xff\xd8\xff": ("JPEG", "image/jpeg"),
    b"II*\0": ("TIFF", "image/tiff"),
    b"MM\0*": ("TIFF", "image/tiff"),
}
_NEITHER = "the document is no PDF, PNG, JPEG or TIFF: save it as one of them"
_DAMAGED = "the document is damaged: scan or save it again"


def main() -> None:
    """Look, answer, end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    octets = sys.stdin.buffer.read()
    confine(CPU_SECONDS)
    try:
        told: dict[str, object] = {"media_type": look(octets)}
    except BadDocumentError as error:
        told = {"bad": True, "why": str(error)}
    except MemoryError:
        told = {"bad": True, "why": "the document takes too much memory: scan it at 200 dpi"}
    except Exception as error:
        told = {"bad": False, "why": f"the document could not be looked at ({type(error).__name__})"}
    print(json.dumps(told), file=answers, flush=True)


def look(octets: bytes) -> str:
    """The media type of what is what it claims to be; else BadDocumentError."""
    if octets.startswith(b"%PDF-"):
        _look_at_pdf(octets)
        return "application/pdf"
    for magic, (kind, media_type) in _PICTURES.items():
        if octets.startswith(magic):
            _look_at_picture(octets, kind)
            return media_type
    raise BadDocumentError(_NEITHER)


def _look_at_pdf(octets: bytes) -> None:
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(octets) as pdf:
            pages = len(pdf)
            for number in range(min(pages, MOST_PAGES)):
                pdf[number].close()
    except pypdfium2.PdfiumError as error:
        raise BadDocumentError(f"{_DAMAGED}, without a password") from error
    if not 1 <= pages <= MOST_PAGES:
        raise BadDocumentError(f"the document has {pages} pages, {MOST_PAGES} are allowed")


def _look_at_picture(octets: bytes, kind: str) -> None:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(octets), formats=[kind]) as picture:
            pages = min(getattr(picture, "n_frames", 1), MOST_PAGES)
            for number in range(pages):
                picture.seek(number)
                if picture.width * picture.height > MOST_PIXELS:
                    raise BadDocumentError("the document has too many pixels: scan it at 300 dpi")
                picture.load()
    except BadDocumentError:
        raise
    except Exception as error:
        # Pillow raises almost anything for files that are scribbled on.
        raise BadDocumentError(_DAMAGED) from error


if __name__ == "__main__":
    main()
