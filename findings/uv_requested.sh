#!/bin/sh
# uv writes REQUESTED for every distribution that it installs, and not only for those that were asked for by name.
#
# Versions: uv 0.13.9, pip 26.0.1, python-dateutil 2.9.0.post0, which requires six 1.17.0.
# Behaviour: the "Recording installed projects" specification says of the file REQUESTED in a `.dist-info`: "the installer should create
#   it when the distribution was explicitly requested by the user". `pip install python-dateutil` writes it for python-dateutil alone,
#   `uv pip install python-dateutil` for six as well.
# For a packer: of an environment that uv made, nothing tells what a person asked for and what came along.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset VIRTUAL_ENV UV_PYTHON PYTHONHOME PYTHONPATH 2>/dev/null || :
export UV_CACHE_DIR="$work/cache" UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q uv==0.13.9 pip==26.0.1 >&2 || cannot "no uv 0.13.9 and pip 26.0.1 from PyPI"
printf 'python-dateutil==2.9.0.post0\n' >asked.txt
printf 'six==1.17.0\n' >constraints.txt

see() {
    tools/bin/uv -q venv by-uv >&2
    tools/bin/uv -q pip install --python by-uv/bin/python -r asked.txt -c constraints.txt >&2 || cannot "no python-dateutil from PyPI"
    tools/bin/python -m venv --without-pip by-pip >&2
    tools/bin/python -m pip --python by-pip/bin/python install -q -r asked.txt -c constraints.txt >&2
    for by in pip uv; do
        echo "$by: $(cd by-$by/lib/python3*/site-packages && ls -d ./*.dist-info/REQUESTED | sed 's:^./::; s:-[^/]*/REQUESTED::' | sort | tr '\n' ' ')"
    done
}

expected='pip: python_dateutil 
uv: python_dateutil six '
seen=$(see)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; exit 1; } >&2
