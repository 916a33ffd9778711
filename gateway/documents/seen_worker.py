"""A process that draws one page: a PDF on stdin, a PNG on stdout, nothing when it cannot be drawn.

`python -m gateway.documents.seen_worker NUMBER`.
"""

from __future__ import annotations

import os
import sys

from gateway.documents.seen import CPU_SECONDS, WIDTH
from gateway.documents.worker import confine

# A page that is longer is no page.
_LONGEST = 4


def main() -> None:
    """Draw, answer, end."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    octets = sys.stdin.buffer.read()
    confine(CPU_SECONDS)
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(octets) as document:
            page = document[int(sys.argv[1]) - 1]
            width, height = page.get_size()
            if width > 0 and height < _LONGEST * width:
                picture = page.render(scale=WIDTH / width, grayscale=True).to_pil()
                picture.save(answers, "PNG")
    except (pypdfium2.PdfiumError, IndexError, MemoryError) as error:
        # Its class alone: words of libraries may repeat the page.
        print(type(error).__name__, file=sys.stderr)


if __name__ == "__main__":
    main()
