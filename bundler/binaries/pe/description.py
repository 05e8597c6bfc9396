"""The facts of a PE file for a person."""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.format import Description
from bundler.binaries.pe import constants as c
from bundler.binaries.pe.checksum import file_checksum
from bundler.binaries.pe.image import Headers, Image
from bundler.binaries.pe.structs import CHECKSUM
from bundler.binaries.pe.version_resource import read_version
from bundler.errors import BinaryFormatError


def machine_name(headers: Headers) -> str:
    """`AMD64`, `ARM64`, …; `machine 0x1c0` for an unknown one."""
    return c.MACHINES.get(headers.machine, f"machine {headers.machine:#x}")


def describe(file: BinaryIO, image: Image) -> Description:
    """What `image`, which was read of `file`, says. The whole file is read where it has a checksum."""
    headers = image.headers
    forwarders = image.exports.forwarders if image.exports is not None else ()
    config = image.load_config
    return {
        "format": f"PE{'32' if headers.layout.bits == 32 else '32+'}",
        "machine": machine_name(headers),
        "type": "library" if headers.is_dll else "program",
        "subsystem": c.SUBSYSTEMS.get(headers.subsystem, str(headers.subsystem)),
        "minimum_windows": _version(headers.subsystem_version),
        "linked_for_windows": _version(headers.os_version),
        "file_version": _file_version(file, headers),
        "soname": image.name,
        "needed": list(image.needed),
        "delayed": list(image.delayed),
        "forwards_to": list(dict.fromkeys(forwarder.dll for forwarder in forwarders)),
        "bound": [dll.name for dll in image.imports if dll.bound],
        "dependent_load_flags": f"{config.dependent_load_flags:#x}" if config and config.dependent_load_flags else None,
        "checksum": _checksum(file, headers),
        "signature": _signature(headers),
    }


def _version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _file_version(file: BinaryIO, headers: Headers) -> str | None:
    try:
        found = read_version(file, headers)
    except BinaryFormatError as error:
        return f"not readable: {error}"
    return _version(found.file) if found is not None else None


def _checksum(file: BinaryIO, headers: Headers) -> str | None:
    if not headers.checksum:
        return None
    true = file_checksum(file, headers.optional_offset + CHECKSUM)
    return "valid" if true == headers.checksum else f"{headers.checksum:#x}, and not {true:#x} as it should be"


def _signature(headers: Headers) -> str | None:
    size = headers.directory(c.SECURITY).size
    return f"{size} bytes (not checked)" if size else None
