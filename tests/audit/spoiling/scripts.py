"""Ways to spoil a bundle: scripts. All of them in step: `bundle.json` says that they are as they were packed."""

from __future__ import annotations

from bundler.faults import FaultKind
from tests.audit.spoiling.way import Spoiled, way

SCRIPT = FaultKind.SCRIPT
BODY = b"import sys\nfrom stall import main\nsys.exit(main())\n"
NO_HEADER = "has lost the header"


def spoil(bundle: Spoiled, data: bytes, path: str = "bin/stall") -> None:
    bundle.write(path, data)
    bundle.accept(path)


def header(bundle: Spoiled) -> bytes:
    """A script with bundler's header."""
    return bundle.read("bin/stall")


@way("script-of-the-host", SCRIPT, "bin/stall", "is run by /usr/bin/python3")
def _(bundle: Spoiled) -> None:
    spoil(bundle, b"#!/usr/bin/python3\n" + BODY)


@way("script-of-the-builder", SCRIPT, "bin/stall", "is run by /builder/my venv/bin/python")
def _(bundle: Spoiled) -> None:
    spoil(bundle, b"#!/bin/sh\n'''exec' \"/builder/my venv/bin/python\" \"$0\" \"$@\"\n' '''\n" + BODY)


@way("script-by-env", SCRIPT, "bin/stall", "the first Python on PATH")
def _(bundle: Spoiled) -> None:
    spoil(bundle, b"#!/usr/bin/env python3\n" + BODY)


@way("script-relative", SCRIPT, "bin/stall", "is looked for in the working directory")
def _(bundle: Spoiled) -> None:
    spoil(bundle, b"#!bin/python\n" + BODY)


@way("script-crlf", SCRIPT, "bin/stall", NO_HEADER)
def _(bundle: Spoiled) -> None:
    spoil(bundle, header(bundle).replace(b"\n", b"\r\n"))


@way("script-bom", SCRIPT, "bin/stall", NO_HEADER)
def _(bundle: Spoiled) -> None:
    spoil(bundle, b"\xef\xbb\xbf" + header(bundle))


@way("script-header-of-the-host", SCRIPT, "bin/stall", NO_HEADER)
def _(bundle: Spoiled) -> None:
    spoil(bundle, header(bundle).replace(b'exec "${__bundler_file%/*}/python"', b'exec "python3"'))


@way("script-header-elsewhere", SCRIPT, "opt/bin/python", "bin/stall would start it")
def _(bundle: Spoiled) -> None:
    spoil(bundle, header(bundle).replace(b"%/*}/python", b"%/*}/../opt/bin/python"))


@way("script-python-gone", SCRIPT, "bin/python", "would start it")
def _(bundle: Spoiled) -> None:
    bundle.remove("bin/python")
    bundle.accept("bin/python")


@way("script-body-gone", SCRIPT, "bin/stall-doc", "runs libexec/bundler/bin/stall-doc, which is not there")
def _(bundle: Spoiled) -> None:
    bundle.remove("libexec/bundler/bin/stall-doc")
    bundle.accept("libexec/bundler/bin/stall-doc")


@way("activate-old-path", FaultKind.CONTENT, "bin/activate", "bytes instead of")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/activate", b"VIRTUAL_ENV=/builder/.venv\nexport VIRTUAL_ENV\n")
