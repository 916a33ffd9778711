#!/usr/bin/env bash
# Provisions the private Asterisk; does nothing when it is there.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

exec "$root/.venv/bin/ringwell" asterisk provision "$@"
