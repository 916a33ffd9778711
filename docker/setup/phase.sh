#!/usr/bin/env bash
# Runs one step with a heading, and says how long it took: phase.sh TITLE COMMAND...
set -euo pipefail
title=$1
shift
began=$SECONDS
printf '== %s\n' "$title"
code=0
"$@" || code=$?
if [ "$code" -eq 0 ]; then
    printf '== %s: %d s\n' "$title" $((SECONDS - began))
else
    printf '== %s: FAILED (exit code %d) after %d s\n' "$title" "$code" $((SECONDS - began)) >&2
fi
exit "$code"
