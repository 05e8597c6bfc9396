"""The facts of a Mach-O file for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

from bundler.binaries.format import Description
from bundler.binaries.macho.image import Dylib, DylibKind, Image, Slice
from bundler.binaries.macho.signature import read_signature, signature_fault


def describe(file: BinaryIO, image: Image) -> Description:
    """What `image`, which was read of `file`, says. What differs from slice to slice has the architecture in front."""
    several = len(image.slices) > 1

    def each(of: Callable[[Slice], Iterable[str]]) -> list[str]:
        return [f"{part.architecture}: {text}" if several else text for part in image.slices for text in of(part)]

    return {
        "architectures": list(image.architectures),
        "install_names": each(lambda part: [part.install_name] if part.install_name else []),
        "needed": each(lambda part: [_with_kind(dylib) for dylib in part.dylibs]),
        "rpaths": each(lambda part: part.rpaths),
        "minimum_macos": each(lambda part: [".".join(map(str, part.minimum_os))] if part.minimum_os else []),
        "signatures": each(lambda part: [_signature(file, part)]),
    }


def _with_kind(dylib: Dylib) -> str:
    return dylib.name if dylib.kind is DylibKind.LOAD else f"{dylib.name} ({dylib.kind.name.lower()})"


def _signature(file: BinaryIO, part: Slice) -> str:
    fault = signature_fault(file, part)
    if fault is not None:
        return f"not valid: {fault}"
    signature = read_signature(file, part)
    if signature is None:
        return "none"
    who = f"by {signature.identity}" if signature.identity else "by the linker" if signature.linker_signed else "ad hoc"
    return f"{signature.identifier}, {who}"
