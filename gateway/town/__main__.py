"""`python -m gateway.town --folder DIR`: a town of its own process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from gateway.asterisk.runtime import AsteriskError
from gateway.town.errors import TownError
from gateway.town.town import ADDRESS_FILE, Town


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gateway.town", description="The rehearsal town: telephones, texts, mail and faxes."
    )
    parser.add_argument("--folder", type=Path, required=True, help="where it keeps its ledger and files")
    parser.add_argument("--seed", type=int, default=0, help="shifts which households are patient")
    parser.add_argument("--pace", type=float, default=1.0, help="scales every delay; 0.2 is hasty")
    parser.add_argument("--keep", action="store_true", help="keep the recordings of ordinary calls too")
    parser.add_argument("--returns", type=int, default=0, help="port where the clinic takes bounces")
    return parser.parse_args()


async def _live(options: argparse.Namespace) -> None:
    over = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, over.set)
    town = Town(
        options.folder, seed=options.seed, pace=options.pace, keep=options.keep, returns=options.returns
    )
    async with town:
        print(f"The town is up; {options.folder / ADDRESS_FILE} says where.", flush=True)
        await over.wait()


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    try:
        asyncio.run(_live(_arguments()))
    except (AsteriskError, TownError) as error:
        sys.exit(f"the town cannot start: {error}")


if __name__ == "__main__":
    main()
