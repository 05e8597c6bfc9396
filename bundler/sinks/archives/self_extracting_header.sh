#!/bin/sh
# A bundle that unpacks itself. `sh FILE --help` says how; the payload behind this text is a gzipped tar archive.
set -eu
name='@NAME@'
start='@START@'
payload_offset=@OFFSET@
payload_size=@SIZE@
payload_sha256=@SHA256@
file_size=@TOTAL@
unpacked_kib=@UNPACKED@
system='@SYSTEM@'
machines='@MACHINES@'
runs_on='@RUNS_ON@'
libc='@LIBC@'
release='@RELEASE@'

usage() {
    echo "usage: ${0##*/} [--target DIR] [--force]   unpack into DIR (default: ./$name)"
    [ -z "$start" ] || echo "       ${0##*/} [--target DIR] --start [ARGUMENT...]   unpack if need be, then start the program"
    echo "       ${0##*/} --ignore-requirements ...   unpack on a machine, with a libc or on a disk that does not fit, too"
    echo "       ${0##*/} --check   tell whether the file is whole"
    echo "       ${0##*/} --list    list what is inside"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2 # some shells' echo reads a backslash
    exit 1
}

payload() {
    tail -c "+$((payload_offset + 1))" <"$file"
}

check() {
    size=$(wc -c <"$file")
    size=${size##* } # some put blanks in front; no arithmetic, which ends at 2 GiB in some shells
    [ "$size" = "$file_size" ] || fail "the file is damaged: it has $size bytes instead of $file_size"
    if command -v sha256sum >/dev/null 2>&1; then
        found=$(payload | sha256sum)
    elif command -v shasum >/dev/null 2>&1; then
        found=$(payload | shasum -a 256)
    elif command -v openssl >/dev/null 2>&1; then
        found=$(payload | openssl dgst -sha256 -r)
    elif payload | gzip -t 2>/dev/null; then # with a checksum of its own, a weaker one
        found=$payload_sha256
    else
        found=
    fi
    [ "${found%% *}" = "$payload_sha256" ] || fail "the file is damaged: its checksum is another"
}

refuse() {
    fail "$* (--ignore-requirements unpacks all the same)"
}

# Refuse what can never run here, as far as the system tells.
check_target() {
    here=$(uname -s 2>/dev/null) || here=$system
    [ "$here" = "$system" ] || refuse "the bundle is for $system, and this is $here"
    here=$(uname -m 2>/dev/null) || here=$machines
    case " $machines $runs_on " in
    *" $here "*) ;;
    *) refuse "the bundle is for $machines, and this machine is $here" ;;
    esac
    case $libc in
    musl)
        find_libc
        has_musl || [ "$found" = musl ] || [ -z "$found" ] ||
            refuse "the bundle needs musl, and this system has $found"
        ;;
    glibc)
        find_libc
        [ "$found" != musl ] || refuse "the bundle needs glibc${release:+ $release}, and this system has musl"
        at_least "${found#glibc }" || refuse "the bundle needs glibc $release or later, and this system has $found"
        ;;
    '')
        found=$(sw_vers -productVersion 2>/dev/null) || found=
        at_least "$found" || refuse "the bundle needs macOS $release or later, and this is $found"
        ;;
    esac
}

# The libc of this system as `found`: "glibc 2.36", "musl", or "" where nothing tells.
find_libc() {
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null) || found=
    case $found in
    "glibc "[0-9]*) return 0 ;;
    esac
    found=$( (ldd --version 2>&1 || :) | { IFS= read -r line && echo "$line"; }) || found=
    case $found in
    *musl*) found=musl ;;
    *[Gg][Ll][Ii][Bb][Cc]*' '[0-9]*.[0-9]* | *"GNU libc"*' '[0-9]*.[0-9]*) found="glibc ${found##* }" ;;
    *) if has_musl; then found=musl; else found=; fi ;;
    esac
}

has_musl() {
    for loader in /lib/ld-musl-*.so.1; do
        [ ! -e "$loader" ] || return 0
    done
    return 1
}

# Whether the release $1 (MAJOR.MINOR…) is the needed one or later, or is not known.
at_least() {
    case $1,$release in
    [0-9]*,[0-9]*.[0-9]*) ;;
    *) return 0 ;;
    esac
    minor=$1.0
    minor=${minor#*.}
    [ "${1%%[!0-9]*}" -gt "${release%%.*}" ] ||
        { [ "${1%%[!0-9]*}" -eq "${release%%.*}" ] && [ "${minor%%[!0-9]*}" -ge "${release#*.}" ]; }
}

# The KiB that are free in the folder $1 as `free`; "" where df does not tell.
find_free() {
    free=$(df -Pk -- "$1" 2>/dev/null | { read -r line && read -r line && echo "$line"; }) || free=
    case $free in
    *" "[0-9]*%*) ;;
    *) free= && return 0 ;;
    esac
    free=${free%%%*}     # NAME BLOCKS USED FREE SHARE: the name may have blanks
    free=${free% *}      # without the share
    free=${free%"${free##*[! ]}"}
    free=${free##* }
    case $free in
    '' | *[!0-9]* | ??????????*) free= ;; # none, or more than a shell counts
    esac
}

check_space() {
    find_free "$1"
    [ -z "$free" ] || [ -n "$ignore" ] || [ "$free" -ge "$unpacked_kib" ] ||
        refuse "$1 has too little space: the bundle needs $needed, and $((free / 1024)) MiB are free"
}

# What is in the folder $1 and no pack put there, or left so, a path a line: what its bundle.json does not list; and where anything was
# written since it was unpacked, what has another checksum. Python's compiled modules come by themselves, and what signs a bundle goes with it.
find_foreign() {
    (
        cd -- "$1"
        LC_ALL=C
        export LC_ALL
        # A name with other letters than these stands in bundle.json in another form: such ones are only counted.
        plain() { sed -e '/[^ -~]/d' -e '/["\\]/d'; }
        listed() { sed -n -e 's/^  "\(.*\)": {"sha256".*/\1/p' -e 's/^  "\(.*\)": {"link".*/\1/p' bundle.json; }
        present() {
            find . ! -type d ! -name bundle.json ! -path ./bundle.intoto.jsonl ! -path '*/__pycache__/*.pyc*' | sed 's/^\.\///'
        }
        { listed | plain && listed | plain && present | plain; } | sort | uniq -u
        known=$(($(listed | wc -l) - $(listed | plain | wc -l)))
        found=$(($(present | wc -l) - $(present | plain | wc -l)))
        [ "$found" -le "$known" ] || present | sed -n -e '/[^ -~]/p' -e '/["\\]/p'
        [ -n "$(find . -type f -newer bundle.json ! -path ./bundle.intoto.jsonl ! -path '*/__pycache__/*')" ] || exit 0
        sums=$(command -v sha256sum || command -v shasum) || exit 0
        case $sums in *shasum) sums="$sums -a 256" ;; esac
        # shellcheck disable=SC2086 # two words
        sed -n 's/^  "\([^"\\]*\)": {"sha256": "\([0-9a-f]*\)".*/\2  \1/p' bundle.json | $sums -c - 2>/dev/null |
            sed -n 's/: FAILED$//p'
    )
}

# Refuse to remove what is somebody's.
check_replaced() {
    for tool in find sed sort uniq; do
        command -v "$tool" >/dev/null 2>&1 ||
            fail "$tool is needed to tell what --force would remove, and not there: remove $1 yourself"
    done
    find_foreign "$1" | {
        count=0 named=
        while IFS= read -r path; do
            count=$((count + 1))
            [ "$count" -gt 3 ] || named="${named:+$named, }$path"
        done
        [ "$count" -le 3 ] || named="$named and $((count - 3)) more"
        [ "$count" -eq 0 ] || fail "$1 was changed after it was unpacked: $named" \
            "(nothing was touched; move away what is yours, or remove the folder)"
    } || exit 1
}

clean_up() {
    if [ -n "$old" ] && [ -e "$old" ] && ! [ -e "$target" ]; then
        mv "$old" "$target"
    fi
    [ -z "$new" ] || remove "$new"
}

# Folders that their owner may not write to (Bazel's, Nix's) are emptied by nobody but root.
remove() {
    rm -rf -- "$1" 2>/dev/null || {
        find "$1" -type d -exec chmod u+rwx {} \; 2>/dev/null || :
        rm -rf -- "$1"
    }
}

# Upon a signal: mksh does not come to the trap of EXIT from another one.
stop() {
    trap - EXIT
    clean_up
    exit "$1"
}

unpack() {
    for tool in gzip tar tail wc; do
        command -v "$tool" >/dev/null 2>&1 || fail "$tool is needed and not there"
    done
    [ -n "$ignore" ] || check_target
    check
    target=${target%"${target##*[!/]}"}
    if [ -e "$target" ] || [ -h "$target" ]; then
        [ -n "$force" ] || fail "$target exists (--force replaces a bundle)"
        [ -f "$target/bundle.json" ] || fail "$target is no bundle and is never replaced"
    fi
    [ ! -e "$target" ] || check_replaced "$target"
    parent=$(dirname -- "$target")
    mkdir -p -- "$parent" || fail "$parent cannot be made"
    needed="$((unpacked_kib / 1024 + 1)) MiB"
    check_space "$parent"
    umask 022
    trap clean_up EXIT
    trap 'stop 130' INT
    trap 'stop 143' TERM
    trap 'stop 129' HUP
    mkdir -- "$target.new-$$" 2>/dev/null || fail "$parent cannot be written to"
    new=$target.new-$$
    # A full disk is one line: tar has one for each file. Where tar succeeds it may have warned all the same.
    { payload | gzip -dc | (cd "$new" && tar -xf -) && echo "$payload_sha256"; } 2>&1 | {
        first='' short='' whole=''
        while IFS= read -r line; do
            case $line in
            "$payload_sha256") whole=yes ;;
            *": Wrote only "*) short=$line ;; # the next line says why
            *) first=${first:-$line} ;;
            esac
        done
        [ -n "$whole" ] && [ -f "$new/bundle.json" ] ||
            fail "the bundle cannot be unpacked into $parent, where it needs $needed: ${first:-${short:-tar failed}}"
        [ -z "$first" ] || echo "$first" >&2
    } || exit 1
    if [ -e "$target" ]; then
        # Into no other folder: that takes the right to write to the bundle's own.
        mkdir -- "$target.old-$$" && rmdir -- "$target.old-$$"
        old=$target.old-$$
        mv -- "$target" "$old"
    fi
    mv -- "$new" "$target"
    new=
    if [ -n "$old" ]; then
        remove "$old"
        old=
    fi
    trap - EXIT INT TERM HUP
}

# A folder of its own for each payload as `target`: another version never starts this one's files.
find_cache() {
    if [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
        folder=${XDG_CACHE_HOME:-$HOME/.cache}
        target=$folder/$name-$payload_sha256
        if [ -n "${XDG_CACHE_HOME:-}" ] || [ -f "$target/bundle.json" ]; then
            return 0
        fi
        if [ -d "$HOME" ] && mkdir -p -- "$folder" 2>/dev/null && [ -w "$folder" ]; then
            return 0
        fi
    fi
    # No home to write to, as in many containers and services. What others may write to is never started.
    user=$(id -u)
    folder=${TMPDIR:-/tmp}/$name-$user
    (umask 077 && mkdir -- "$folder") 2>/dev/null || :
    # shellcheck disable=SC2012 # `ls -n` is POSIX's way to ask for an owner
    owner=$(ls -ldn -- "$folder" 2>/dev/null | { read -r mode links owner rest && echo "$mode $owner"; }) || owner=
    case $owner in
    drwx------"${owner#drwx------}") [ "${owner##* }" = "$user" ] ;;
    *) false ;;
    esac || fail "there is no home folder, and $folder is not this user's alone: name a folder with --target"
    target=$folder/$name-$payload_sha256
}

file=$0
target='' force='' ignore='' new='' old='' action=unpack
while [ $# -gt 0 ]; do
    case $1 in
    --target)
        [ $# -gt 1 ] || fail "--target needs a folder"
        target=$2
        shift
        ;;
    --target=?*) target=${1#--target=} ;;
    --force) force=yes ;;
    --ignore-requirements) ignore=yes ;;
    --check) action=check ;;
    --list) action=list ;;
    --start)
        [ -n "$start" ] || fail "the bundle has no start command"
        action=start
        shift
        break
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*)
        echo "${0##*/}: there is no option $1; the options are --target DIR, --force, --ignore-requirements," \
            "${start:+--start, }--check, --list and --help" >&2
        exit 2
        ;;
    *)
        echo "${0##*/}: what is $1? The folder to unpack into is named by --target DIR; --help lists the options" >&2
        exit 2
        ;;
    esac
    shift
done

case $target in
'' | /* | ./* | ../*) ;;
*) target=./$target ;;
esac
case $action in
check)
    check
    echo "${0##*/} is whole"
    ;;
list)
    check
    payload | gzip -dc | tar -tf -
    ;;
unpack)
    target=${target:-./$name}
    unpack
    echo "unpacked into $target"
    [ -z "$start" ] || echo "start it with $target/$start"
    ;;
start)
    [ -n "$target" ] || find_cache
    [ -f "$target/bundle.json" ] || unpack
    exec "$target/$start" "$@"
    ;;
esac
exit 0
