"""Ways to spoil a bundle: files, permissions and links."""

from __future__ import annotations

import os

from bundler.faults import FaultKind
from tests.audit.spoiling.way import Spoiled, way

CONTENT, LINK = FaultKind.CONTENT, FaultKind.LINK


@way("module-gone", CONTENT, "{stdlib}/abc.py", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.remove(f"{bundle.stdlib}/abc.py")


@way("package-data-gone", CONTENT, "{site}/stall/cacert.pem", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.remove(f"{bundle.site}/stall/cacert.pem")


@way("empty-folder-gone", CONTENT, "{site}/stall/outbox", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.remove(f"{bundle.site}/stall/outbox")


@way("lib-dynload-gone", FaultKind.CONFIGURATION, "{dynload}", "first one above the bundle")
def _(bundle: Spoiled) -> None:
    bundle.remove(bundle.dynload)


@way("byte-flipped", CONTENT, "{stdlib}/abc.py", "has other content")
def _(bundle: Spoiled) -> None:
    path = bundle.root / bundle.stdlib / "abc.py"
    times = path.stat()
    data = path.read_bytes()
    bundle.write(f"{bundle.stdlib}/abc.py", data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@way("file-emptied", CONTENT, "{site}/stall/__init__.py", "has 0 bytes instead of")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/stall/__init__.py", b"")


@way("file-cut", CONTENT, "{stdlib}/ast.py", "bytes instead of")
def _(bundle: Spoiled) -> None:
    data = bundle.read(f"{bundle.stdlib}/ast.py")
    bundle.write(f"{bundle.stdlib}/ast.py", data[: len(data) // 2])


@way("line-ends", CONTENT, "bin/stall", "bytes instead of")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/stall", bundle.read("bin/stall").replace(b"\n", b"\r\n"))


@way("folder-for-file", CONTENT, "{site}/plain.py", "is a folder and was a file")
def _(bundle: Spoiled) -> None:
    bundle.remove(f"{bundle.site}/plain.py")
    bundle.write(f"{bundle.site}/plain.py/__init__.py", b"")


@way("file-for-folder", CONTENT, "{site}/stall/__init__.py", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/stall", b"")


@way("link-became-text", CONTENT, "bin/python", "is a file and was a link")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/python", os.readlink(bundle.root / "bin/python").encode())


@way("link-became-copy", CONTENT, "bin/python3", "is a file and was a link")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/python3", bundle.read(bundle.python), 0o755)


@way("file-became-link", CONTENT, "{site}/plain.py", "is a link and was a file")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/plain.py", "stall/__init__.py")


@way("lfs-pointer", CONTENT, "{dynload}/zlib{suffix}", "bytes instead of")
def _(bundle: Spoiled) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"
    bundle.write(bundle.extension("zlib"), pointer)


@way("pipe-in-the-tree", CONTENT, "{site}/stall/pipe", "is a pipe")
def _(bundle: Spoiled) -> None:
    os.mkfifo(bundle.root / bundle.site / "stall/pipe")


@way("interpreter-not-executable", CONTENT, "{python}", "its owner may not execute it")
def _(bundle: Spoiled) -> None:
    bundle.mode(bundle.python, 0o644)


@way("script-not-executable", CONTENT, "bin/stall", "its owner may not execute it")
def _(bundle: Spoiled) -> None:
    bundle.mode("bin/stall", 0o644)


@way("module-unreadable", CONTENT, "{stdlib}/abc.py", "its owner may not read")
def _(bundle: Spoiled) -> None:
    bundle.mode(f"{bundle.stdlib}/abc.py", 0)


@way("folder-closed", CONTENT, "{site}/stall", "its owner may not execute it")
def _(bundle: Spoiled) -> None:
    (bundle.root / bundle.site / "stall").chmod(0o644)


@way("set-uid", FaultKind.PERMISSION, "{python}", "set-id")
def _(bundle: Spoiled) -> None:
    bundle.mode(bundle.python, 0o4755)


@way("set-gid", FaultKind.PERMISSION, "bin/stall", "set-id")
def _(bundle: Spoiled) -> None:
    bundle.mode("bin/stall", 0o2755)


@way("writable-module", FaultKind.PERMISSION, "", "anybody may write to {stdlib}/abc.py")
def _(bundle: Spoiled) -> None:
    bundle.mode(f"{bundle.stdlib}/abc.py", 0o666)


@way("writable-folder", FaultKind.PERMISSION, "", "anybody may write to {site}/stall")
def _(bundle: Spoiled) -> None:
    (bundle.root / bundle.site / "stall").chmod(0o777)


@way("link-out-relative", LINK, "{site}/stall/conf", "leads out of the bundle")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/stall/conf", "../../../../../../etc/stall.conf")


@way("link-out-absolute", LINK, "{site}/stall/cacert.pem", "is an absolute link")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/stall/cacert.pem", "/etc/ssl/certs/ca-certificates.crt")


@way("link-absolute-inward", LINK, "bin/python3", "is an absolute link")
def _(bundle: Spoiled) -> None:
    bundle.link("bin/python3", str(bundle.root / bundle.python))


@way("link-loop", LINK, "{site}/one", "leads to")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/one", "two")
    bundle.link(f"{bundle.site}/two", "one")


@way("link-dangling", LINK, "bin/stall", "is not there")
def _(bundle: Spoiled) -> None:
    bundle.link("bin/stall", "stall-1.0")


@way("folder-is-a-link-out", LINK, "{site}", "is an absolute link")
def _(bundle: Spoiled) -> None:
    bundle.link(bundle.site, "/opt/site-packages")


@way("link-through-a-link-out", LINK, "{site}/stall/extra", "leads to")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/way", "../../../..")
    bundle.link(f"{bundle.site}/stall/extra", "../way/extra")


@way("link-redirected", CONTENT, "bin/python3", "leads to stall instead of")
def _(bundle: Spoiled) -> None:
    bundle.link("bin/python3", "stall")


@way("link-out-in-step", LINK, "{site}/plain.py", "leads out of the bundle")
def _(bundle: Spoiled) -> None:
    bundle.link(f"{bundle.site}/plain.py", "../../../../plain.py")
    bundle.accept(f"{bundle.site}/plain.py")


@way("python-is-the-hosts", LINK, "{python}", "is an absolute link")
def _(bundle: Spoiled) -> None:
    bundle.link(bundle.python, "/usr/bin/python3")
    bundle.accept(bundle.python)


@way("python-is-a-script", FaultKind.LIBRARY, "{python}", "is no ELF file")
def _(bundle: Spoiled) -> None:
    bundle.write(bundle.python, b'#!/bin/sh\nexec /usr/bin/python3 "$@"\n', 0o755)
    bundle.accept(bundle.python)
