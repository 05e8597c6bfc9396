"""`os` for Windows as bundler needs it: paths divided by `/`, and what only POSIX has in Python.

Modes say nothing there: no file becomes read-only, for it could be neither replaced nor removed then. All files belong to user 0,
who this is.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat as _stat
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import NamedTuple

from bundler.machine import windows_paths
from bundler.machine.patience import patiently
from bundler.machine.windows_paths import slashed

path = windows_paths
sep = "/"
O_CLOEXEC = O_DIRECTORY = O_NOFOLLOW = O_NONBLOCK = 0
_FILETIME_OF_1970 = 116_444_736_000_000_000  # in 100 ns since 1601
_MACHINES = {0x8664: "AMD64", 0xAA64: "ARM64", 0x14C: "x86"}  # IMAGE_FILE_MACHINE_…
_position = threading.Lock()


def __getattr__(name: str) -> object:
    """What is the same as elsewhere."""
    return getattr(os, name)


def fsencode(name: str | os.PathLike[str]) -> bytes:
    """UTF-8, as elsewhere: bytes that were none come back as they were; halves of UTF-16's pairs that a file name has stay, too."""
    text = os.fspath(name)
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def fsdecode(name: str | bytes | os.PathLike[str]) -> str:
    """See `fsencode`."""
    text = os.fspath(name)
    return text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text


def getcwd() -> str:
    """See `os.getcwd`."""
    return slashed(os.getcwd())


def readlink(link: str) -> str:
    """See `os.readlink`."""
    return slashed(os.readlink(link))


def listdir(folder: str = ".") -> list[str]:
    """See `os.listdir`. Windows has many words for what is no folder."""
    try:
        return os.listdir(folder)
    except OSError as error:
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from error
        raise


def walk(top: str, topdown: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """See `os.walk`."""
    for folder, folders, files in os.walk(top, topdown):
        yield slashed(folder), folders, files


class Item:
    """See `os.DirEntry`. Its facts are the file's own: those that a folder has of its files lack some, and may be old."""

    def __init__(self, found: os.DirEntry[str]) -> None:
        self._found = found
        self.name = found.name
        self.path = slashed(found.path)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """See `os.DirEntry`."""
        return self._found.is_dir(follow_symlinks=follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """See `os.DirEntry`."""
        return self._found.is_file(follow_symlinks=follow_symlinks)

    def is_symlink(self) -> bool:
        """See `os.DirEntry`."""
        return self._found.is_symlink()

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """See `os.DirEntry`."""
        return os.stat(self.path, follow_symlinks=follow_symlinks)

    def __fspath__(self) -> str:
        return self.path


class _Items(AbstractContextManager[Iterator[Item]]):
    """See `os.scandir`."""

    def __init__(self, folder: str) -> None:
        self._items = os.scandir(folder)

    def __iter__(self) -> Iterator[Item]:
        return map(Item, self._items)

    def __enter__(self) -> Iterator[Item]:
        return iter(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._items.close()


def scandir(folder: str = ".") -> _Items:
    """See `os.scandir`."""
    return _Items(folder)


def open(path: str, flags: int, mode: int = 0o777) -> int:
    """See `os.open`: bytes as they are (Windows' own default changes line ends), and no child has the file."""
    return os.open(path, flags | os.O_BINARY | os.O_NOINHERIT, mode)  # type: ignore[attr-defined]


@contextmanager
def _at(descriptor: int, offset: int) -> Iterator[None]:
    """The file's position is at an offset meanwhile. Who else reads of the same descriptor has to do it by this, too."""
    with _position:
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            yield
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)


def pread(descriptor: int, length: int, offset: int) -> bytes:
    """See POSIX's `os.pread`, and `_at`."""
    with _at(descriptor, offset):
        return os.read(descriptor, length)


def pwrite(descriptor: int, data: bytes | memoryview, offset: int) -> int:
    """See POSIX's `os.pwrite`, and `_at`."""
    with _at(descriptor, offset):
        return os.write(descriptor, data)


def readv(descriptor: int, buffers: list[memoryview]) -> int:
    """See POSIX's `os.readv`; one buffer."""
    (buffer,) = buffers
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def chmod(path: str, mode: int) -> None:
    """Let a file be written to where `mode` does; nothing else is done."""
    if mode & _stat.S_IWRITE:
        os.chmod(path, _stat.S_IWRITE)
    else:
        os.stat(path)


def fchmod(descriptor: int, mode: int) -> None:
    """Nothing: a new file can be written to."""


def chown(path: str, user: int, group: int) -> None:
    """Nothing."""


def fchown(descriptor: int, user: int, group: int) -> None:
    """Nothing."""


def geteuid() -> int:
    """What `st_uid` is for all files."""
    return 0


getuid = getgid = getegid = geteuid


def replace(source: str, target: str) -> None:
    """See `os.replace`."""
    patiently(lambda: os.replace(source, target))


def unlink(path: str) -> None:
    """See `os.unlink`. As elsewhere, a file that is read-only goes, too."""
    try:
        os.unlink(path)
    except PermissionError:
        os.chmod(path, _stat.S_IWRITE)
        patiently(lambda: os.unlink(path))


remove = unlink


def rename(source: str, target: str) -> None:
    """See POSIX's `rename`: a file at `target` is replaced, and for a folder an empty one."""
    try:
        replace(source, target)
    except PermissionError:
        if not (os.path.isdir(source) and os.path.isdir(target)):
            raise
        os.rmdir(target)
        os.rename(source, target)


def symlink(target: str, link: str) -> None:
    """See `os.symlink`. Windows wants a right for it, follows no link with `/`, and has links to folders apart."""
    is_folder = os.path.isdir(path.join(path.dirname(link), target))
    os.symlink(target.replace("/", "\\"), link, target_is_directory=is_folder)


def utime(path: str | int, *, ns: tuple[int, int] | None = None, follow_symlinks: bool = True) -> None:
    """See `os.utime`; for an open file as well. A link keeps the time when it was made."""
    if not follow_symlinks:
        return
    if ns is None:
        os.utime(path)
        return
    if isinstance(path, str):
        os.utime(path, ns=ns)
        return
    import msvcrt

    times = [ctypes.c_uint64(each // 100 + _FILETIME_OF_1970) for each in ns]
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(path))  # type: ignore[attr-defined]
    if not kernel.SetFileTime(handle, None, ctypes.byref(times[0]), ctypes.byref(times[1])):
        raise ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined]


def fsync(descriptor: int) -> None:
    """See `os.fsync`; one that was opened for reading alone has nothing to be written."""
    try:
        os.fsync(descriptor)
    except PermissionError:
        return


class Uname(NamedTuple):
    """See `os.uname_result`."""

    sysname: str
    nodename: str
    release: str
    version: str
    machine: str


def uname() -> Uname:
    """See POSIX's `os.uname`; the machine is this one's own, even where it emulates another one for this process."""
    version = sys.getwindowsversion()  # type: ignore[attr-defined]
    release = f"{version.major}.{version.minor}"
    return Uname("Windows_NT", os.environ.get("COMPUTERNAME", ""), release, f"{release}.{version.build}", _machine())


def _machine() -> str:
    """As PROCESSOR_ARCHITECTURE has it: that tells what this process is built for, if no other variable tells more."""
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    ours, native = ctypes.c_ushort(), ctypes.c_ushort()
    asked = getattr(kernel, "IsWow64Process2", None)  # Windows 10
    if asked is not None:
        asked(ctypes.c_void_p(kernel.GetCurrentProcess()), ctypes.byref(ours), ctypes.byref(native))
    if native.value in _MACHINES:
        return _MACHINES[native.value]
    return os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get("PROCESSOR_ARCHITECTURE", "")
