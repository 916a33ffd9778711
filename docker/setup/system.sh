#!/usr/bin/env bash
# Installs the Debian packages that are missing: system.sh [gateway] [asterisk] [test]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

missing=()

need() { # COMMAND PACKAGE...
    command -v "$1" >/dev/null || missing+=("${@:2}")
}

has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

need_gateway() {
    if ! command -v "${PYTHON:-python3}" >/dev/null && [ -z "${PYTHON:-}" ]; then
        missing+=(python3 python3-venv)
        return
    fi
    choose_python
    has_venv "$python" || missing+=(python3-venv)
}

need_asterisk() { need debootstrap debootstrap; }

# Debian keeps the server's programs out of PATH, one folder per version.
has_postgres() {
    local program version
    for program in /usr/lib/postgresql/*/bin/postgres $(command -v postgres || true); do
        [ -x "$program" ] || continue
        version=$("$program" --version | grep -oE '[0-9]+' | head -n 1)
        [ "$version" -ge 15 ] && return 0
    done
    return 1
}

need_test() {
    has_postgres || missing+=(postgresql)
    need chromium chromium fonts-liberation
    need strace strace
}

# The tests start servers of their own: Debian's package shall not start one as well.
cluster_policy=/etc/postgresql-common/createcluster.d/ringwell-setup.conf
remember_no_cluster() {
    as_root mkdir -p "${cluster_policy%/*}"
    echo 'create_main_cluster = false' | as_root tee "$cluster_policy" >/dev/null
    trap 'as_root rm -f "$cluster_policy"' EXIT
}

install_missing() {
    require_root "Debian packages are missing (${missing[*]}) and root is needed to install them"
    say "set-up: installing ${missing[*]} (apt-get)"
    [[ " ${missing[*]} " != *" postgresql "* ]] || remember_no_cluster
    local log
    log=$(mktemp)
    if ! { apt_get update && apt_get install "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: ${missing[*]}"
    fi
    rm -f "$log"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 --no-install-recommends "$@"
}

[ $# -gt 0 ] || set -- gateway
for group in "$@"; do
    case $group in
        gateway | asterisk | test) "need_$group" ;;
        *) die "unknown group '$group': one of gateway, asterisk, test" ;;
    esac
done
[ ${#missing[@]} -eq 0 ] || install_missing
if [[ " $* " == *" gateway "* ]]; then
    choose_python
    has_venv "$python" || die "$python cannot make a virtual environment: its modules venv and ensurepip are missing"
fi
