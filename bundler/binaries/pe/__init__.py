"""PE: the loader's view of a Windows program or DLL, and patches of the names of the DLLs that it asks for."""

from __future__ import annotations

from bundler.binaries.pe.edits import Edits, PatchPlan
from bundler.binaries.pe.image import Exports, Image, ImportedDll, is_pe, read_image
from bundler.binaries.pe.planner import plan_patch

__all__ = ["Edits", "Exports", "Image", "ImportedDll", "PatchPlan", "is_pe", "plan_patch", "read_image"]
