# Shared by the set-up scripts: where the checkout is, how to speak, how to become root.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# A user's PATH on Debian lacks the folders where debootstrap and runuser live.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf '== %s\n' "$*"; }

die() {
    printf 'set-up: %s\n' "$*" >&2
    exit 1
}

# Asks for the password, if there is one to ask for, before output goes elsewhere.
require_root() {
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "$1: run this as root, or install sudo and allow this user to use it"
        sudo true || die "$1: sudo did not allow it"
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Sets `python` to the interpreter asked for by PYTHON (python3 by default); refuses one that is too old.
choose_python() {
    python=$(command -v "${PYTHON:-python3}") || die "no ${PYTHON:-python3} found: install Python 3.11 or later, or name one with PYTHON=..."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "$python is $("$python" --version 2>&1): Python 3.11 or later is needed; name one with PYTHON=..."
    # Not a virtual environment's: that one may be replaced.
    python=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
}
