"""`bundler inspect` of an ELF file."""

from __future__ import annotations

from pathlib import Path

from bundler.inspection import inspect
from tests.binaries.elf.programs import compile_c

VERSIONS = ("V_2.9", "V_2.10", "V_2.2.5", "V_10")


def test_versions_of_symbols_are_in_their_order(tmp_path: Path) -> None:
    """2.9 comes before 2.10, whatever the order in the file."""
    names = [f"f{number}" for number in range(len(VERSIONS))]
    script = "".join(f"{version} {{ {name}; }};\n" for version, name in zip(VERSIONS, names, strict=True))
    (tmp_path / "versions").write_text(script)
    defined = "".join(f"void {name}(void) {{}}\n" for name in names)
    library = compile_c(
        defined, tmp_path / "libmany.so", "-shared", "-fPIC", "-nostdlib", f"-Wl,--version-script={tmp_path}/versions"
    )
    calls = (
        "".join(f"void {name}(void); " for name in names)
        + "void go(void) { "
        + "".join(f"{name}(); " for name in names)
    )
    asks = compile_c(f"{calls}}}\n", tmp_path / "asks.so", "-shared", "-fPIC", "-nostdlib", str(library))
    facts = inspect(asks)
    wanted = ["V_2.2.5", "V_2.9", "V_2.10", "V_10"]
    found = facts["versions"]
    assert isinstance(found, list)
    assert [line.rpartition(" ")[2] for line in found] == wanted
