#!/usr/bin/env bash
# An image's health: healthy.sh gateway|asterisk|town
set -euo pipefail

case ${1:-} in
    gateway) exec python -c '
import os
from pathlib import Path
from urllib.request import urlopen
from gateway.settings import load
settings = load(Path(os.environ["RINGWELL_CONFIG"]))
urlopen(f"http://127.0.0.1:{settings.console.port}/health", timeout=4)
' ;;
    asterisk) exec ringwell asterisk status >/dev/null ;;
    town) exec test -s /var/lib/ringwell/town/town.json ;;
    *)
        echo "healthy: one of gateway, asterisk, town" >&2
        exit 2
        ;;
esac
