#!/bin/sh
# A bundle that unpacks itself. `sh FILE --help` says how; the payload behind this text is a gzipped tar archive.
set -eu
name='@NAME@'
start='@START@'
payload_offset=@OFFSET@
payload_size=@SIZE@
payload_sha256=@SHA256@

usage() {
    echo "usage: ${0##*/} [--target DIR] [--force]   unpack into DIR (default: ./$name)"
    [ -z "$start" ] || echo "       ${0##*/} [--target DIR] --start [ARGUMENT...]   unpack if need be, then start the program"
    echo "       ${0##*/} --check   tell whether the file is whole"
    echo "       ${0##*/} --list    list what is inside"
}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

payload() {
    tail -c "+$((payload_offset + 1))" <"$file"
}

check() {
    size=$(($(wc -c <"$file")))
    [ "$size" -eq "$((payload_offset + payload_size))" ] ||
        fail "the file is damaged: it has $size bytes instead of $((payload_offset + payload_size))"
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

clean_up() {
    if [ -n "$old" ] && [ -e "$old" ] && ! [ -e "$target" ]; then
        mv "$old" "$target"
    fi
    [ -z "$new" ] || rm -rf "$new"
}

unpack() {
    for tool in gzip tar tail wc; do
        command -v "$tool" >/dev/null 2>&1 || fail "$tool is needed and not there"
    done
    check
    target=${target%"${target##*[!/]}"}
    if [ -e "$target" ] || [ -h "$target" ]; then
        [ -n "$force" ] || fail "$target exists (--force replaces a bundle)"
        [ -f "$target/bundle.json" ] || fail "$target is no bundle and is never replaced"
    fi
    parent=$(dirname -- "$target")
    mkdir -p -- "$parent" || fail "$parent cannot be made"
    umask 022
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    mkdir -- "$target.new-$$" 2>/dev/null || fail "$parent cannot be written to"
    new=$target.new-$$
    payload | gzip -dc | (cd "$new" && tar -xf -) || fail "the bundle cannot be unpacked into $parent"
    [ -f "$new/bundle.json" ] || fail "the bundle cannot be unpacked into $parent"
    if [ -e "$target" ]; then
        mkdir -- "$target.old-$$"
        mv -- "$target" "$target.old-$$/"
        old=$target.old-$$/${target##*/}
    fi
    mv -- "$new" "$target"
    new=
    if [ -n "$old" ]; then
        rm -rf -- "$target.old-$$"
        old=
    fi
    trap - EXIT INT TERM HUP
}

file=$0
target='' force='' new='' old='' action=unpack
while [ $# -gt 0 ]; do
    case $1 in
    --target)
        [ $# -gt 1 ] || fail "--target needs a folder"
        target=$2
        shift
        ;;
    --target=*) target=${1#--target=} ;;
    --force) force=yes ;;
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
    *)
        usage >&2
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
    # A folder of its own for each payload: another version never starts this one's files.
    target=${target:-${XDG_CACHE_HOME:-${HOME:?HOME is not set: name a folder with --target}/.cache}/$name-$payload_sha256}
    [ -f "$target/bundle.json" ] || unpack
    exec "$target/$start" "$@"
    ;;
esac
exit 0
