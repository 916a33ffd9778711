#!/usr/bin/env bash
# Writes requirements.lock anew: the newest versions that pyproject.toml allows, by name and version only.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

choose_python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "lock: resolving in a clean environment ($("$python" --version))"
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --upgrade "$(grep -oE 'setuptools[^"]*' "$root/pyproject.toml" | head -n 1)"
# A copy, so that the build leaves nothing in the checkout.
cp -R "$root/pyproject.toml" "$root/LICENSE" "$root/gateway" "$root/store" "$root/voices" "$root/dialplan" "$work/"
[ ! -e "$root/README.md" ] || cp "$root/README.md" "$work/"
"$work/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-build-isolation "$work[test]"
"$work/venv/bin/python" -m pip --disable-pip-version-check freeze --all --exclude ringwell --exclude pip --exclude wheel |
    grep -E '^[A-Za-z0-9._-]+==[^ ]+$' | LC_ALL=C sort -f >"$work/requirements.lock"
cp "$work/requirements.lock" "$root/docker/setup/requirements.lock"
say "lock: $(wc -l <"$root/docker/setup/requirements.lock") packages"
