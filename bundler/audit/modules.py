"""Which modules of a bundle are extension modules, by the names under which Python imports them."""

from __future__ import annotations

import os

from bundler.audit.tree import BundleTree
from bundler.binaries.elf import Image, read_image
from bundler.errors import BinaryFormatError

DT_STRTAB, DT_STRSZ = 5, 10


def extension_modules(tree: BundleTree) -> dict[str, list[str]]:
    """Module names by batch: a top-level package each, and one batch for the standard library's own (``)."""
    python = tree.manifest.python
    suffixes = sorted(python.extension_suffixes or (".so",), key=len, reverse=True)
    folders = [(f"{python.stdlib}/lib-dynload/", True), *((f"{folder}/", False) for folder in python.site_packages)]
    batches: dict[str, list[str]] = {}
    for path in sorted(tree.files):
        suffix = next((suffix for suffix in suffixes if path.endswith(suffix)), None)
        folder = next(((folder, own) for folder, own in folders if path.startswith(folder)), None)
        if suffix is None or folder is None:
            continue
        parts = path[len(folder[0]) : -len(suffix)].split("/")
        if not all(part.isidentifier() for part in parts):
            continue
        if suffix == ".so" and not _defines(tree.path(path), parts[-1]):
            continue
        batches.setdefault("" if folder[1] else parts[0], []).append(".".join(parts))
    return batches


def _defines(path: str, module: str) -> bool:
    """Whether a file with the plain suffix `.so`, which any library may have, is the extension module of that name."""
    try:
        with open(path, "rb") as file:
            image = read_image(file)
            return f"PyInit_{module}".encode() in _strings(file.fileno(), image)
    except (OSError, BinaryFormatError):
        return False


def _strings(descriptor: int, image: Image) -> bytes:
    """The string table of the dynamic symbols."""
    address, size = image.entry(DT_STRTAB), image.entry(DT_STRSZ)
    offset = image.offset_of(address) if address is not None else None
    return os.pread(descriptor, size, offset) if offset is not None and size is not None else b""
