#!/usr/bin/env bash
# Runs the installation's Asterisk in the foreground: ends when it ends, ends it when told to.
set -euo pipefail

stop() {
    ringwell asterisk stop
    exit 0
}

trap stop TERM INT
ringwell asterisk start
while ringwell asterisk status >/dev/null; do
    # In the background, so that a signal is heeded at once.
    sleep 10 &
    wait $!
done
echo "serve-asterisk: Asterisk ended" >&2
exit 1
