"""uv's launchers for Windows: the programs out of uv's own wheel, with the resources that uv writes on Windows.

uv itself does not work under Wine 8 (it starts, and hangs when it makes an environment), so that LIEF writes the resources.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import lief
import pefile

from tests.material.wheels import wheel

UV = "0.13.9"
_RCDATA = 10
_CONSOLE = 3
_SCRIPT, _PYTHON = b"\x01", b"\x02"


def trampoline(python: str, where: Path, *, gui: bool = False, script: bytes | None = None) -> None:
    """Write a launcher that starts a Python, or with the zip of a script this script; a relative path counts from its folder."""
    items = {"UV_PYTHON_PATH": python.encode()} | ({} if script is None else {"UV_SCRIPT_DATA": script})
    items["UV_TRAMPOLINE_KIND"] = _PYTHON if script is None else _SCRIPT
    image = lief.PE.parse(list(_programs()[gui]))
    assert image is not None
    data = lief.PE.ResourceDirectory(_RCDATA)
    for name, content in items.items():
        entry, leaf = lief.PE.ResourceDirectory(0), lief.PE.ResourceData(list(content))
        entry.name = name
        leaf.id = 0
        entry.add_child(leaf)
        data.add_child(entry)
    data.numberof_name_entries, data.numberof_id_entries = len(items), 0
    assert image.resources is not None
    image.resources.add_child(data)
    config = lief.PE.Builder.config_t()
    config.resources = True
    image.write(str(where), config)


def _programs() -> tuple[bytes, bytes]:
    """The console and the GUI program for AMD64, which stand in uv.exe as they are."""
    with zipfile.ZipFile(wheel(f"uv=={UV}", "win_amd64")) as archive:
        data = archive.read(next(name for name in archive.namelist() if name.endswith("/uv.exe")))
    found = {}
    for match in re.finditer(rb"MZ", data):
        start = match.start()
        header = start + int.from_bytes(data[start + 60 : start + 64], "little")
        if start == 0 or header - start > 0x400 or data[header : header + 4] != b"PE\0\0":
            continue
        image = pefile.PE(data=data[start : start + 0x20000], fast_load=True)
        end = max(section.PointerToRawData + section.SizeOfRawData for section in image.sections)
        found[image.OPTIONAL_HEADER.Subsystem == _CONSOLE] = data[start : start + end]
    return found[True], found[False]
