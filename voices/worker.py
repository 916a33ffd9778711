"""A rendering process: `python -m voices.worker` reads jobs on stdin and answers on stdout.

It ends when stdin does, in the middle of a job too, so that it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
from typing import TYPE_CHECKING, TextIO

from voices import jobs
from voices.errors import VoiceError
from voices.jobs import Convert, Job

if TYPE_CHECKING:
    from voices.studio import Studio

# Piper takes about 0.7 GB for the longest sentence that is accepted.
MEMORY_BYTES = 2 << 30
# Calls in progress come before rendering ahead.
_NICE = 5


def main() -> None:
    """Work until stdin ends."""
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()

    from voices.studio import Studio

    studio = Studio()
    while True:
        _work(studio, waiting.get(), answers)


def _listen(waiting: queue.SimpleQueue[Job]) -> None:
    for line in sys.stdin.buffer:
        waiting.put(jobs.decode(line))
    os._exit(0)


def _work(studio: Studio, job: Job, answers: TextIO) -> None:
    # Errors of libraries are told by their class alone: their words may repeat the text.
    try:
        if not isinstance(job, Convert):
            studio.load(job.model)
        _answer(answers, ready=True)
        studio.do(job)
    except VoiceError as error:
        _answer(answers, error=type(error).__name__, why=str(error))
    except OSError as error:
        _answer(answers, error="RenderError", why=f"a sound cannot be written: {error.strerror}")
    except Exception as error:
        _answer(answers, error="RenderError", why=f"rendering failed ({type(error).__name__})")
    else:
        _answer(answers, done=True)


def _answer(answers: TextIO, **told: object) -> None:
    print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
