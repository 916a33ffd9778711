"""A process that renders one fax: a job on stdin, an answer on stdout, and no way to take the machine along.

`python -m gateway.documents.worker`; the answer is `{"pages": n}` or `{"error": class, "why": words}`.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from gateway.documents import job as jobs
from gateway.documents.errors import SIMPLER, DocumentError

MEMORY_BYTES = 512 << 20
LARGEST_OUTPUT = 256 << 20
_NICE = 5


def main() -> None:
    """Render, answer, end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = jobs.decode(sys.stdin.buffer.read())
    confine(job.cpu_seconds)
    # Errors of libraries are told by their class alone: their words may repeat the letter.
    try:
        from gateway.documents.press import render

        told: dict[str, object] = {"pages": render(job)}
    except DocumentError as error:
        told = {"error": type(error).__name__, "why": str(error)}
    except MemoryError:
        told = {"error": "BadDocumentError", "why": f"a letter takes too much memory to render: {SIMPLER}"}
    except OSError as error:
        told = {"error": "RenderingError", "why": f"a fax cannot be written: {error.strerror}"}
    except Exception as error:
        told = {"error": "RenderingError", "why": f"rendering failed ({type(error).__name__})"}
    print(json.dumps(told), file=answers, flush=True)


def confine(cpu_seconds: int) -> None:
    """Limits of this process: memory, processor time, file size, no core file with a letter in it."""
    os.nice(_NICE)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, LARGEST_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
