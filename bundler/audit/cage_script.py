"""Run by bundler's own Python: hide places in namespaces of this process, then become the command that follows.

Arguments: `network` or `no-network`, a file with absolute paths, each ended by a null byte, then the command. Exit status 125
where the kernel does not allow it. It stands in front of every process that is tried, so it imports little.
"""

import _socket  # `socket` loads `selectors`, `enum` and more
import ctypes
import fcntl
import os
import struct
import sys

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000  # linux/sched.h
MS_RDONLY, MS_BIND, MS_REC, MS_PRIVATE = 1, 4096, 16384, 1 << 18  # linux/mount.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # linux/sockios.h, linux/if.h
NOT_ALLOWED = 125


def check(result: int) -> None:
    """Raise what a call of the C library tells."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def enter(libc: ctypes.CDLL, network: bool) -> None:
    """New namespaces: as root at once, else in a user namespace of one's own."""
    wanted = CLONE_NEWNS | (0 if network else CLONE_NEWNET)
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        try:
            check(libc.unshare(wanted))
            return
        except OSError:
            check(libc.unshare(CLONE_NEWNS))  # a container may forbid a network of one's own
            return
    check(libc.unshare(wanted | CLONE_NEWUSER))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def hide(libc: ctypes.CDLL, place: str) -> None:
    """An empty folder, or an empty file, in the place of what is there."""
    if os.path.isdir(place):
        check(libc.mount(b"none", os.fsencode(place), b"tmpfs", MS_RDONLY, b"size=4k"))
    else:
        check(libc.mount(b"/dev/null", os.fsencode(place), None, MS_BIND, None))


def bring_up_loopback() -> None:
    """A network namespace begins with a loopback that is down."""
    try:
        any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        fcntl.ioctl(any_socket.fileno(), SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        any_socket.close()
    except OSError:
        pass  # who needs it will say so


def main() -> None:
    """Hide, then become the command."""
    network, places, *command = sys.argv[1:]
    with open(places, "rb") as file:
        hidden = [os.fsdecode(place) for place in file.read().split(b"\0") if place]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        enter(libc, network == "network")
        check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        for place in hidden:
            if os.path.lexists(place):
                hide(libc, place)
    except OSError as error:
        print(f"no cage: {error}", file=sys.stderr)
        os._exit(NOT_ALLOWED)
    if network != "network":
        bring_up_loopback()
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
