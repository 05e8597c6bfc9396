"""Run a command and tell what it and its children open and execute: a tracer by ptrace(2), for where there is no strace.

Arguments: a descriptor to write to, then the command's words, the first of which is the program's path.
Writes one JSON list a line: `["started", parent, child]`, `["executed", thread, path]`, `["opened", thread, path]`; at last
`["ended", status]` when the command itself has ended, negative for a signal, or `["refused", why]` where it may not be traced.
Names are decoded with surrogateescape, threads are told by their numbers. It stands by itself.

The kernel stops a process at calls that open a file and no others (seccomp(2)), so the rest of the command runs at its own speed.
What the command leaves in the background is looked after until it ends: without a tracer its calls would fail.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import stat
import struct
import sys
from typing import IO, NoReturn

# linux/ptrace.h
_CONT, _SEIZE, _LISTEN, _GETEVENTMSG, _GET_SYSCALL_INFO = 7, 0x4206, 0x4208, 0x4201, 0x420E
_FORK, _VFORK, _CLONE, _EXEC, _SECCOMP, _STOP = 1, 2, 3, 4, 7, 128
_OPTIONS = 1 << _FORK | 1 << _VFORK | 1 << _CLONE | 1 << _EXEC | 1 << _SECCOMP | 1 << 20  # and PTRACE_O_EXITKILL
# linux/prctl.h, linux/seccomp.h, linux/filter.h
_SET_SECCOMP, _SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_TRACE, _ALLOW = 0x7FF00000, 0x7FFF0000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_WALL = 0x40000000
_AT_FDCWD = -100
_O_PATH = 0o10000000
_OPEN, _OPENAT, _OPENAT2 = 1, 2, 3
_GENERIC = {56: _OPENAT, 437: _OPENAT2}  # include/uapi/asm-generic/unistd.h
CALLS = {  # by machine: AUDIT_ARCH (linux/audit.h), and the calls that open a file
    "x86_64": (0xC000003E, {2: _OPEN, 257: _OPENAT, 437: _OPENAT2}),
    "aarch64": (0xC00000B7, _GENERIC),
    "riscv64": (0xC00000F3, _GENERIC),
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class _Refused(Exception):
    """The kernel does not let us trace."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    """ptrace(2). Raises OSError."""
    result: int = _libc.ptrace(request, pid, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def seccomp_filter(architecture: int, calls: dict[int, int]) -> bytes:
    """A program for the kernel that stops at each of the calls, with the call's kind as its message."""
    lines = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, 0)]
    for number, kind in calls.items():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _TRACE | kind)]
    return b"".join(struct.pack("=HBBI", *line) for line in (*lines, (_RETURN, 0, 0, _ALLOW)))


def run_command(words: list[str], begin: int, failed: int) -> NoReturn:
    """In the new process: become the command when the tracer is there; say why not where that fails."""
    try:
        if not os.read(begin, 1):
            os._exit(127)  # the tracer is gone
        machine = os.uname().machine
        if machine not in CALLS:
            raise OSError(f"the calls of {machine} are not known; install strace")
        code = seccomp_filter(*CALLS[machine])
        filters = _Program(len(code) // 8, code)
        if _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(
            _SET_SECCOMP, _FILTER, ctypes.byref(filters), 0, 0
        ):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        os.execv(words[0], words)
    except BaseException as error:
        os.write(failed, str(error).encode())
    os._exit(127)


class Tracer:
    """Follows a command to its end."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._info = ctypes.create_string_buffer(128)
        self._told: set[tuple[int, str]] = set()

    def tell(self, *fields: object) -> None:
        """One line; none where nobody listens any more."""
        if not self._output.closed:
            self._output.write(json.dumps(fields) + "\n")

    def run(self, words: list[str]) -> None:
        """Run it. Raises _Refused where it cannot be traced."""
        begin, go = os.pipe()
        failure, failed = os.pipe()
        main = os.fork()
        if main == 0:
            os.close(go)
            run_command(words, begin, failed)
        os.close(failed)
        # An interrupt from the terminal is the command's; to end it, bundler sends SIGTERM to this process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _frame: _end(main, number))
        try:
            ptrace(_SEIZE, main, 0, _OPTIONS)
        except OSError as error:
            os.kill(main, signal.SIGKILL)
            raise _Refused(f"ptrace: {error}") from error
        os.write(go, b"\n")
        self._follow(main, failure)

    def _follow(self, main: int, failure: int) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return
            if os.WIFSTOPPED(status):
                with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
                    self._stopped(pid, status)
            elif pid == main:
                if words := os.read(failure, 1000).decode():
                    raise _Refused(words)
                self.tell("ended", os.waitstatus_to_exitcode(status))
                self._output.close()

    def _stopped(self, pid: int, status: int) -> None:
        """Note what a thread does, and let it go on."""
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == 0:
            ptrace(_CONT, pid, 0, number)
            return
        if event == _STOP and number != signal.SIGTRAP:  # stopped as a whole, by its terminal perhaps
            ptrace(_LISTEN, pid)
            return
        if event in (_FORK, _VFORK, _CLONE):
            self.tell("started", pid, self._message(pid))
        elif event == _EXEC:
            self.tell("executed", pid, os.readlink(f"/proc/{pid}/exe"))
        elif event == _SECCOMP:
            path = self._opened(pid)
            if path is not None and (pid, path) not in self._told:
                self._told.add((pid, path))
                self.tell("opened", pid, path)
        ptrace(_CONT, pid)

    def _message(self, pid: int) -> int:
        message = ctypes.c_ulong()
        ptrace(_GETEVENTMSG, pid, 0, ctypes.addressof(message))
        return message.value

    def _opened(self, pid: int) -> str | None:
        """The file that a thread is about to open for reading; None for what is none, or is not there."""
        ptrace(_GET_SYSCALL_INFO, pid, len(self._info), ctypes.addressof(self._info))
        arguments: tuple[int, ...] = struct.unpack_from(
            "=6Q", self._info, 32
        )  # behind op, arch, two pointers and the number
        kind = self._message(pid)
        folder = _AT_FDCWD
        if kind != _OPEN:
            folder, arguments = ctypes.c_int(arguments[0]).value, arguments[1:]
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                flags = arguments[1]
                if kind == _OPENAT2:
                    memory.seek(arguments[1])
                    (flags,) = struct.unpack("=Q", memory.read(8))
                if flags & os.O_ACCMODE == os.O_WRONLY or flags & (os.O_TRUNC | os.O_DIRECTORY | _O_PATH):
                    return None
                path = _text(memory, arguments[0])
            if not path.startswith("/"):
                base = f"/proc/{pid}/cwd" if folder == _AT_FDCWD else f"/proc/{pid}/fd/{folder}"
                path = os.path.join(os.readlink(base), path)
            return path if stat.S_ISREG(os.stat(path).st_mode) else None
        except (OSError, ValueError, OverflowError):
            return None


def _end(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _text(memory: IO[bytes], address: int) -> str:
    """The string at an address, which a page that is not there may follow."""
    found = b""
    while b"\0" not in found and len(found) < 4096:
        memory.seek(address + len(found))
        found += memory.read(256 - (address + len(found)) % 256)
    return os.fsdecode(found.partition(b"\0")[0])


def main() -> None:
    """Run what the arguments name."""
    descriptor, *words = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    with open(int(descriptor), "w", encoding="ascii") as output:
        tracer = Tracer(output)
        try:
            tracer.run(words)
        except _Refused as error:
            tracer.tell("refused", str(error))


if __name__ == "__main__":
    main()
