"""The words of `bundler patch` as edits of a Mach-O file."""

from __future__ import annotations

from bundler.binaries.macho.edits import Edits
from bundler.binaries.macho.image import Image
from bundler.binaries.request import Request


def edits_of(request: Request, image: Image) -> Edits:
    """The edits that do `request` to the file of which `image` was read, in each of its slices."""
    removed = set(request.delete_rpath)
    if request.remove_rpath:
        removed |= {rpath for part in image.slices for rpath in part.rpaths} - set(request.add_rpath)
    return Edits(
        install_name=request.set_id,
        dylibs=dict(request.change),
        remove_rpaths=frozenset(removed),
        add_rpaths=request.add_rpath,
        thin=request.thin,
    )
