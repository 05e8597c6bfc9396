"""Mach-O: dyld's view of a file, patches of its install names and search paths, and ad-hoc signatures."""

from __future__ import annotations

from bundler.binaries.macho.edits import Edits, PatchPlan
from bundler.binaries.macho.image import Dylib, DylibKind, Image, Slice, is_macho, read_image
from bundler.binaries.macho.planner import plan_patch
from bundler.binaries.macho.signature import Signature, read_signature, signature_fault

__all__ = [
    "Dylib",
    "DylibKind",
    "Edits",
    "Image",
    "PatchPlan",
    "Signature",
    "Slice",
    "is_macho",
    "plan_patch",
    "read_image",
    "read_signature",
    "signature_fault",
]
