#!/bin/sh
# auditwheel does not know $LIB in a search path: a library that the loader finds is "not found".
#
# Versions: auditwheel 6.8.2, pyelftools 0.33, ziglang 0.17.1; the loader is the system's (glibc 2.36 of Debian 12).
# Behaviour: module.so needs libown.so and has DT_RUNPATH $ORIGIN/$LIB. The loader puts the machine's library folder in the place of
#   $LIB ("lib/x86_64-linux-gnu" on Debian, "lib64" elsewhere; ld.so(8)) and finds the library there. auditwheel.lddtree replaces
#   $ORIGIN alone, drops the entry since no folder is called so, and gives None for the library.
# For a packer: whoever walks a tree of libraries without the loader has to expand all of ld.so(8)'s tokens.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset LD_LIBRARY_PATH LD_PRELOAD AUDITWHEEL_LD_LIBRARY_PATH 2>/dev/null || :
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache" PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "it is for Linux on x86-64"
getconf GNU_LIBC_VERSION >&2 || cannot "the system's libc is not glibc"
"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q auditwheel==6.8.2 pyelftools==0.33 ziglang==0.17.1 >&2 ||
    cannot "no auditwheel 6.8.2, pyelftools 0.33 and ziglang 0.17.1 from PyPI"

mkdir -p lib/x86_64-linux-gnu lib64
echo 'int own(void) { return 42; }' >own.c
echo 'int own(void); int ask(void) { return own(); }' >module.c
compile() { tools/bin/python -m ziglang cc -target x86_64-linux-gnu.2.17 -shared "$@" >&2; }
compile -Wl,-soname,libown.so -o lib64/libown.so own.c || cannot "zig does not compile"
cp lib64/libown.so lib/x86_64-linux-gnu/
compile -o module.so module.c lib64/libown.so -Wl,-rpath,'$ORIGIN/$LIB' -Wl,--enable-new-dtags

cat >ask.py <<'END'
import ctypes
import pathlib

from auditwheel.lddtree import ldd

path = pathlib.Path("module.so").resolve()
print("the loader: libown.so is found, and answers", ctypes.CDLL(str(path)).ask())
found = ldd(path).libraries["libown.so"]
print("auditwheel.lddtree:", "libown.so is found" if found.path else "libown.so is not found")
END

expected='the loader: libown.so is found, and answers 42
auditwheel.lddtree: libown.so is not found'
seen=$(tools/bin/python ask.py 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
