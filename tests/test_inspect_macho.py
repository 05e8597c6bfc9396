"""`bundler inspect` of a Mach-O file."""

from __future__ import annotations

from pathlib import Path

from bundler.binaries.macho import Edits
from bundler.binaries.macho import constants as c
from bundler.inspection import inspect
from tests.binaries.macho.patching import patch
from tests.binaries.macho.samples import make_fat, make_sample


def test_facts_of_each_slice(tmp_path: Path) -> None:
    signed = patch(make_sample(room=300), Edits(add_rpaths=("@loader_path/x",)))
    path = tmp_path / "libsample.dylib"
    path.write_bytes(make_fat([signed, make_sample(cpu=(c.CPU_X86_64, 3))]))
    facts = inspect(str(path))
    assert facts["architectures"] == ["arm64", "x86_64"]
    assert facts["install_names"] == ["arm64: /opt/lib/libsample.dylib", "x86_64: /opt/lib/libsample.dylib"]
    assert facts["rpaths"] == ["arm64: /opt/lib", "arm64: @loader_path/x", "x86_64: /opt/lib"]
    assert facts["signatures"] == ["arm64: libsample.dylib, ad hoc", "x86_64: none"]
    needed = facts["needed"]
    assert isinstance(needed, list)
    assert "arm64: @rpath/libtwo.dylib (weak)" in needed


def test_a_thin_file_names_no_architecture_twice_and_a_broken_signature_is_told(tmp_path: Path) -> None:
    broken = bytearray(patch(make_sample(room=300), Edits(add_rpaths=("@loader_path/x",))))
    broken[-2000] ^= 1
    path = tmp_path / "libsample.dylib"
    path.write_bytes(broken)
    facts = inspect(str(path))
    assert facts["install_names"] == ["/opt/lib/libsample.dylib"]
    assert facts["signatures"] == ["not valid: a page does not have the hash that was signed"]
