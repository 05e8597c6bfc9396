#!/bin/sh
# dlopen of a path that begins with $ORIGIN: glibc puts the folder of the library that CALLS dlopen in its place; musl opens it as it is.
#
# Versions: glibc 2.36 (Debian 12; the system's own is tried and its version printed), musl 1.2.3-1 of Debian, ziglang 0.17.1.
# Behaviour: a program in bin/ calls a function of lib dir/libcaller.so, which opens "$ORIGIN/plug/libplug.so", a path with a slash and
#   no search path involved. Under glibc that is "lib dir/plug/libplug.so", whatever the working directory and wherever the tree was
#   moved; not bin/plug, though the path was a string of the program. musl knows $ORIGIN in search paths only, and looks into a
#   folder of that very name below the working directory.
# For a packer: a compiled-in absolute path of a plugin folder can be made relocatable by overwriting it with a shorter one that begins
#   with $ORIGIN, where the library hands it to dlopen untouched. Not on musl.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset LD_LIBRARY_PATH LD_PRELOAD 2>/dev/null || :
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache" PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "it is for Linux on x86-64"
getconf GNU_LIBC_VERSION >&2 || cannot "the system's libc is not glibc"
"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q ziglang==0.17.1 >&2 || cannot "no ziglang 0.17.1 from PyPI"
apt-get download -qq musl=1.2.3-1 >&2 && dpkg-deb -x musl_*.deb musl || cannot "no musl 1.2.3-1 of Debian (apt-get update?)"

cat >caller.c <<'END'
#include <dlfcn.h>
int look(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW);
    int (*answer)(void) = plugin ? (int (*)(void))dlsym(plugin, "answer") : 0;
    return answer ? answer() : 0;
}
END
cat >program.c <<'END'
#include <stdio.h>
int look(const char *path);
int main(void) {
    int found = look("$ORIGIN/plug/libplug.so");
    const char *places[] = {"nowhere", "the caller's folder", "the program's folder", "a folder called $ORIGIN"};
    puts(places[found]);
    return 0;
}
END
echo 'int answer(void) { return WHICH; }' >plug.c

build() { # into folder $1, for target $2, with more options
    tree=$1 target=$2
    shift 2
    mkdir -p "$tree/bin/plug" "$tree/lib dir/plug"
    compile() { tools/bin/python -m ziglang cc -target "$target" -O1 -fno-sanitize=all "$@" >&2; }
    compile "$@" -shared -DWHICH=1 -o "$tree/lib dir/plug/libplug.so" plug.c
    compile "$@" -shared -DWHICH=2 -o "$tree/bin/plug/libplug.so" plug.c
    compile "$@" -shared -DWHICH=3 -o "$tree/literal.so" plug.c
    compile "$@" -shared -Wl,-soname,libcaller.so -o "$tree/lib dir/libcaller.so" caller.c
    compile "$@" -o "$tree/bin/program" program.c "$tree/lib dir/libcaller.so" -Wl,-rpath,'$ORIGIN/../lib dir'
}

see() {
    mkdir -p 'here/$ORIGIN/plug'
    build glibc-tree x86_64-linux-gnu.2.17
    mv glibc-tree "moved once"
    cp "moved once/literal.so" 'here/$ORIGIN/plug/libplug.so'
    echo "glibc: $(cd here && "../moved once/bin/program")"
    build musl-tree x86_64-linux-musl -dynamic
    cp musl-tree/literal.so 'here/$ORIGIN/plug/libplug.so'
    echo "musl: $(cd here && ../musl/lib/ld-musl-x86_64.so.1 ../musl-tree/bin/program)"
}

expected="glibc: the caller's folder
musl: a folder called \$ORIGIN"
seen=$(see 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
