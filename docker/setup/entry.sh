#!/usr/bin/env bash
# An image's entry: each variable NAME_FILE names a file with a secret, whose text becomes NAME.
set -euo pipefail

while IFS= read -r name; do
    case $name in
        PGPASSWORD_FILE | RINGWELL_*_FILE)
            [ -r "${!name}" ] || { echo "entry: $name: cannot read ${!name}" >&2; exit 1; }
            export "${name%_FILE}=$(<"${!name}")"
            unset "$name"
            ;;
    esac
done < <(compgen -e)
exec "$@"
