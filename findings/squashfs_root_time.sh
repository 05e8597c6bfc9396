#!/bin/sh
# mksquashfs -tar ignores -root-time, and the archive's own member for the root: two images of one tar differ. SOURCE_DATE_EPOCH helps.
#
# Versions: squashfs-tools 4.5.1-1 of Debian 12.
# Behaviour: from a folder, `-root-time 0` gives the image's root directory that time. From a tar archive on standard input (`-tar`) the
#   option is taken without a word, a member "./" is left out with a message, and the root gets the time at which mksquashfs runs. So
#   two runs, a second apart, give images that differ, although `-mkfs-time 0` is obeyed. SOURCE_DATE_EPOCH, which may not stand beside
#   -mkfs-time, sets both times (and makes every member that is later as old).
# For a packer: reproducible images by way of a tar come from SOURCE_DATE_EPOCH alone, set to the time of the latest file.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset SOURCE_DATE_EPOCH 2>/dev/null || :
export TZ=UTC
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

apt-get download -qq squashfs-tools=1:4.5.1-1 >&2 && dpkg-deb -x squashfs-tools_*.deb . ||
    cannot "no squashfs-tools 1:4.5.1-1 of Debian (apt-get update?)"
PATH=$work/usr/bin:$PATH
mksquashfs -version >&2 || cannot "mksquashfs does not start: apt-get install squashfs-tools brings its libraries"

mkdir tree
echo text >tree/file
touch -d @1000000000 tree/file tree
tar -cf members.tar -C tree --owner=0 --group=0 file
tar -cf with-root.tar -C tree --owner=0 --group=0 --no-recursion . file

make() { mksquashfs "$@" -noappend -all-root -no-progress -quiet >&2; }
image() { make "$@" -mkfs-time 0 -root-time 0; }
root_year() { unsquashfs -lls "$1" | awk '$NF == "squashfs-root" { print substr($4, 1, 4) }'; }
root_time() { [ "$(root_year "$1")" -ge 2022 ] && echo now || root_year "$1"; }
same() { cmp -s "$1" "$2" && echo equal || echo different; }

see() {
    image tree folder.squashfs
    for number in 1 2; do
        image - "plain$number.squashfs" -tar <members.tar
        image - "root$number.squashfs" -tar <with-root.tar
        SOURCE_DATE_EPOCH=1000000000 make - "epoch$number.squashfs" -tar <members.tar
        sleep 1.1
    done
    echo "a folder, -root-time 0: $(root_time folder.squashfs)"
    echo "a tar, -root-time 0: $(root_time plain1.squashfs), two images are $(same plain1.squashfs plain2.squashfs)"
    echo "a tar with a root, -root-time 0: $(root_time root1.squashfs), $(same root1.squashfs root2.squashfs)"
    echo "a tar, SOURCE_DATE_EPOCH of 2001: $(root_time epoch1.squashfs), $(same epoch1.squashfs epoch2.squashfs)"
}

expected="a folder, -root-time 0: 1970
a tar, -root-time 0: now, two images are different
a tar with a root, -root-time 0: now, different
a tar, SOURCE_DATE_EPOCH of 2001: 2001, equal"
seen=$(see 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
