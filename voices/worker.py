"""A rendering process: `python -m voices.worker` reads jobs on stdin and answers on stdout.

`python -m voices.worker recordings` makes prompts of recordings and knows no voice. Either ends when stdin
does, in the middle of a job too, so that it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
from typing import Any, Protocol, TextIO

from voices import jobs
from voices.errors import VoiceError
from voices.jobs import Job

# Piper takes about 0.7 GB for the longest sentence that is accepted.
MEMORY_BYTES = 2 << 30
# A recording is decoded in pieces; a file that wants more was made to hurt.
RECORDING_BYTES = 512 << 20
# Calls in progress come before rendering ahead.
_NICE = 5


class Craft(Protocol):
    """What this process can do."""

    def prepare(self, job: Job) -> None:
        """Load what the job needs."""

    def do(self, job: Job) -> dict[str, Any]:
        """Do it and tell what was found out; a VoiceError says why not."""


def main() -> None:
    """Work until stdin ends."""
    recordings = sys.argv[1:] == ["recordings"]
    memory = RECORDING_BYTES if recordings else MEMORY_BYTES
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    craft = _craft(recordings)
    while True:
        _work(craft, waiting.get(), answers)


def _craft(recordings: bool) -> Craft:
    # Imported late: what one kind of process needs, the other never loads.
    if recordings:
        from voices.mastering import Mastering

        # Decoders complain of each damaged frame of a stranger's file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        return Mastering()
    from voices.studio import Studio

    return Studio()


def _listen(waiting: queue.SimpleQueue[Job]) -> None:
    for line in sys.stdin.buffer:
        waiting.put(jobs.decode(line))
    os._exit(0)


def _work(craft: Craft, job: Job, answers: TextIO) -> None:
    # Errors of libraries are told by their class alone: their words may repeat the text.
    try:
        craft.prepare(job)
        _answer(answers, ready=True)
        found = craft.do(job)
    except VoiceError as error:
        _answer(answers, error=type(error).__name__, why=str(error))
    except OSError as error:
        _answer(answers, error="RenderError", why=f"a sound cannot be written: {error.strerror}")
    except MemoryError:
        _answer(answers, error="RenderError", why="rendering took more memory than it is given")
    except Exception as error:
        _answer(answers, error="RenderError", why=f"rendering failed ({type(error).__name__})")
    else:
        _answer(answers, done=found)


def _answer(answers: TextIO, **told: object) -> None:
    print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
