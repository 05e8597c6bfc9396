"""The words of `bundler patch` as edits of a Mach-O file."""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.macho.edits import Edits
from bundler.binaries.macho.image import Image, read_image
from bundler.binaries.macho.planner import plan_patch
from bundler.binaries.request import Facts, Outcome, Request

__all__ = ["MACH_O", "edits_of"]


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


class _MachO:
    """See `request.Format`."""

    name = "Mach-O"
    options = frozenset({"--set-id", "--change", "--add-rpath", "--remove-rpath", "--delete-rpath", "--thin"})

    def plan(self, file: BinaryIO, path: str, request: Request) -> Outcome | None:
        """The patch, with a new ad-hoc signature of every slice that changes."""
        image = read_image(file)
        found = plan_patch(file, image, edits_of(request, image))
        if found is None:
            return None
        lost = f"the signature of {found.lost_identity} became an ad-hoc one"
        return Outcome(found.patch, "load commands", found.explanation, (), (lost,) if found.lost_identity else ())

    def facts(self, file: BinaryIO) -> Facts:
        """What dyld reads; of a fat file each name that any slice has."""
        image = read_image(file)
        return Facts(
            format="Mach-O",
            machine=", ".join(image.architectures),
            rpath=":".join(dict.fromkeys(rpath for part in image.slices for rpath in part.rpaths)) or None,
            needed=tuple(dict.fromkeys(dylib.name for part in image.slices for dylib in part.dylibs)),
            soname=next((part.install_name for part in image.slices if part.install_name is not None), None),
            interpreter=None,
        )


MACH_O = _MachO()
