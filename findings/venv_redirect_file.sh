#!/bin/sh
# virtualenv leaves a file `.venv`; `uv sync` then removes packages from that environment, `uv venv` and `venv .venv` refuse.
#
# Versions: virtualenv 21.15.11, uv 0.13.9, venv of CPython 3.11.7 (that of the Python that runs it), six 1.17.0.
# Behaviour: `virtualenv env`, run in a folder with a pyproject.toml and without a `.venv`, also writes a one-line FILE `.venv` that
#   names `env` (a draft of PEP 832). `uv sync`, which makes a folder `.venv` of its own where there is none, follows the file, takes
#   `env` for the project's environment, and removes from it what the lock file does not name. `uv venv` and `python -m venv .venv`,
#   which make the folder otherwise, end with an error.
# For a packer: `.venv` may be a file, and an environment that nobody handed to uv may have been synced by it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset VIRTUAL_ENV UV_PYTHON UV_PROJECT_ENVIRONMENT PYTHONHOME PYTHONPATH 2>/dev/null || :
export UV_CACHE_DIR="$work/cache" UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never UV_OFFLINE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q virtualenv==21.15.11 uv==0.13.9 >&2 || cannot "no virtualenv 21.15.11 and uv 0.13.9 from PyPI"
mkdir project
cd project
printf '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.8"\n' >pyproject.toml

see() {
    ../tools/bin/virtualenv -q env >&2
    [ -f .venv ] && echo "virtualenv env: .venv is a file that says $(cat .venv)"
    env/bin/python -m pip install -q six==1.17.0 >&2
    env/bin/python -c 'import six; print("before uv sync: six", six.__version__)'
    ../tools/bin/uv -q sync >&2 && echo "uv sync: status 0, .venv is still $([ -f .venv ] && echo a file || echo no file)"
    env/bin/python -c 'import six' 2>/dev/null || echo "after uv sync: six is gone from env"
    ../tools/bin/uv -q venv >&2 || echo "uv venv: status $?"
    "${PYTHON:-python3}" -m venv .venv >&2 || echo "python -m venv .venv: status $?"
}

expected='virtualenv env: .venv is a file that says env
before uv sync: six 1.17.0
uv sync: status 0, .venv is still a file
after uv sync: six is gone from env
uv venv: status 2
python -m venv .venv: status 1'
seen=$(see 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
