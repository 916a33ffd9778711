#!/usr/bin/env bash
# Makes the secrets of compose.yaml that do not exist yet, in docker/secrets.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

folder=$root/docker/secrets
# The folder keeps others out; the files are readable, because containers read them as users of their own.
mkdir -p -m 0700 "$folder"
for name in postgres_password; do
    [ ! -e "$folder/$name" ] || continue
    (umask 077 && head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$folder/$name.new")
    chmod 0444 "$folder/$name.new"
    mv "$folder/$name.new" "$folder/$name"
    say "secrets: made docker/secrets/$name"
done
