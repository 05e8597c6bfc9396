#!/bin/sh
# Wheels tagged musllinux_1_2 bring libraries with packed relocations (DT_RELR), which musl 1.2.3 neither applies nor refuses.
#
# Versions: numpy 2.5.5 (musllinux_1_2_x86_64, CPython 3.13), musl 1.2.3-1 of Debian 12, ziglang 0.17.1, pyelftools 0.33.
# Behaviour: the tag promises musl 1.2 (PEP 656). auditwheel copies Alpine's libgcc_s and libstdc++ into the wheel; Alpine links them with
#   packed relocations, which musl knows from 1.2.4 on (its WHATSNEW). 1.2.3 loads such a library without a word and leaves each pointer
#   in it as it stands in the file: the library below does not find its own variable. What calls through such a pointer ends in a crash
#   (numpy's import does, on musl 1.2.3).
# For a packer: musl has no versions of symbols that could stop it. Who says which musl a bundle needs must look for DT_RELR, and not
#   go by the tags of the wheels.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset LD_LIBRARY_PATH LD_PRELOAD 2>/dev/null || :
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache" PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "it is for Linux on x86-64"
"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q ziglang==0.17.1 pyelftools==0.33 >&2 || cannot "no ziglang 0.17.1 and pyelftools 0.33 from PyPI"
tools/bin/python -m pip download -q --no-deps --only-binary=:all: --platform musllinux_1_2_x86_64 --python-version 3.13 -d . \
    numpy==2.5.5 >&2 || cannot "no numpy 2.5.5 for musllinux_1_2 from PyPI"
apt-get download -qq musl=1.2.3-1 >&2 && dpkg-deb -x musl_*.deb musl || cannot "no musl 1.2.3-1 of Debian (apt-get update?)"

cat >wheel.py <<'END'
import glob
import io
import zipfile

from elftools.elf.elffile import ELFFile

(wheel,) = glob.glob("numpy-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in sorted(archive.namelist()):
        if "/libgcc_s" in name or "/libstdc++" in name:
            tags = {tag.entry.d_tag for tag in ELFFile(io.BytesIO(archive.read(name))).get_section_by_name(".dynamic").iter_tags()}
            print(name.rpartition("/")[2].partition("-")[0], "DT_RELR" if tags & {"DT_RELR", 36} else "no DT_RELR")
END
cat >library.c <<'END'
static int variable;
int *pointer = &variable;
int is_relocated(void) { return pointer == &variable; }
END
cat >program.c <<'END'
#include <stdio.h>
int is_relocated(void);
int main(void) { puts(is_relocated() ? "relocated" : "not relocated"); return 0; }
END
compile() { tools/bin/python -m ziglang cc -target x86_64-linux-musl -dynamic -O1 -fno-sanitize=all "$@" >&2; }
link() { tools/bin/python -m ziglang ld.lld -shared -soname liblibrary.so -o liblibrary.so library.o "$@" >&2; }

see() {
    tools/bin/python wheel.py
    compile -c -fPIC -o library.o library.c
    link
    compile -o program program.c liblibrary.so -Wl,-rpath,'$ORIGIN'
    echo "musl 1.2.3, plain: $(musl/lib/ld-musl-x86_64.so.1 "$work/program")"
    link --pack-dyn-relocs=relr
    echo "musl 1.2.3, packed: $(musl/lib/ld-musl-x86_64.so.1 "$work/program")"
}

expected='libgcc_s DT_RELR
libstdc++ DT_RELR
musl 1.2.3, plain: relocated
musl 1.2.3, packed: not relocated'
seen=$(see 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
