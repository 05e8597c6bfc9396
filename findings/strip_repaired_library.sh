#!/bin/sh
# strip makes a library of a wheel, which auditwheel had repaired, one that the loader refuses; its status is 0, and it says nothing.
#
# Versions: GNU strip of binutils 2.40 (Debian 12), numpy 2.4.6 (its wheel for CPython 3.11, manylinux_2_28_x86_64), glibc 2.36.
# Behaviour: the wheel's OpenBLAS has segments that no section covers any more, where a patcher put tables into new ones. strip lays the file out
#   by its sections: such segments lose their bytes, and stay in the header with offsets that do not fit their addresses. The loader:
#   "ELF load command address/offset not page-aligned". `strip -g` does the same.
# For a packer: nothing of a wheel may be stripped afterwards. rpmbuild (brp-strip) and debhelper (dh_strip) do so unless they are told not to,
#   with all that is packaged, and numpy cannot be imported then.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "it is for Linux on x86-64"
command -v strip >/dev/null || cannot "no strip: apt-get install binutils"
strip --version | head -n 1 >&2
getconf GNU_LIBC_VERSION >&2 || cannot "it is for glibc"
"${PYTHON:-python3}" -m pip download -q --no-deps --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_27_x86_64 numpy==2.4.6 >&2 || cannot "no numpy 2.4.6 from PyPI"
"${PYTHON:-python3}" -m zipfile -e numpy-*.whl .
cd numpy.libs

load() {
    "${PYTHON:-python3}" -c 'import ctypes, sys
try:
    ctypes.CDLL(sys.argv[1])
    print("loads")
except OSError as error:
    print(str(error).rpartition(": ")[2])' "./$1"
}
seen() {
    echo "as it is published: $(load libscipy_openblas64_*.so)"
    for option in --strip-unneeded -g; do
        cp libscipy_openblas64_*.so stripped.so
        said=$(strip "$option" stripped.so 2>&1) && echo "strip $option: status 0, said \"$said\"; $(load stripped.so)"
    done
}

expected='as it is published: loads
strip --strip-unneeded: status 0, said ""; ELF load command address/offset not page-aligned
strip -g: status 0, said ""; ELF load command address/offset not page-aligned'
found=$(seen)
printf '%s\n' "$found"
[ "$found" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; exit 1; } >&2
