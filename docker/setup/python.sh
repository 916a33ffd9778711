#!/usr/bin/env bash
# Makes the virtual environment from the lock: python.sh [gateway|town|test]   (test, the default, has everything)
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

profile=${1:-test}
venv=$root/.venv
lock=$root/docker/setup/requirements.lock
stamp=$venv/ringwell-setup.stamp

describe() { "$1" -c 'import sys; print(*sys.version_info, sys.base_prefix)'; }

# What an environment depends on; the folder is part of it, because the installed scripts name it.
wanted() {
    printf '%s\n' "$venv" "$profile" "$(describe "$python")"
    sha256sum <"$lock"
    sha256sum <"$root/pyproject.toml"
    sha256sum <"$root/docker/setup/python.sh"
}

up_to_date() { [ -x "$venv/bin/ringwell" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(wanted)" ]; }

# Another Python, or a checkout that was moved: then nothing of the old environment can be kept.
fits() {
    [ "$(describe "$venv/bin/python" 2>/dev/null)" = "$(describe "$python")" ] &&
        [[ "$(head -n 1 "$venv/bin/pip" 2>/dev/null)" = "#!$venv/bin/"* ]]
}

pip_install() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --progress-bar off "$@"; }

# The development tools and the town stay out of a gateway's image; their lines in the lock then only constrain.
install() {
    case $profile in
        test)
            pip_install --no-deps --requirement "$lock"
            pip_install --no-deps --no-build-isolation --editable "$root"
            ;;
        gateway | town)
            pip_install "$(grep -i '^setuptools==' "$lock")"
            pip_install --constraint "$lock" --no-build-isolation --editable "$root$([ "$profile" = gateway ] || echo "[town]")"
            ;;
        *) die "unknown profile '$profile': one of gateway, town, test" ;;
    esac
    "$venv/bin/python" -m pip --disable-pip-version-check check >/dev/null || "$venv/bin/python" -m pip check >&2
}

choose_python
# Two set-ups of one checkout at the same time would break each other.
exec 9<"$lock"
flock 9
if up_to_date; then exit 0; fi
say "set-up: Python packages into ${venv#"$root"/} ($("$python" --version)), a minute or so"
fits || rm -rf "$venv"
rm -f "$stamp"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
install
wanted >"$stamp"
