"""Patched files run under Wine, which loads DLLs by its own code; and a signature that nobody touched still holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.pe import constants as c
from tests.binaries.pe.judging import patch
from tests.binaries.pe.shapes import bound, fixture, image_of, signed, without_slack
from tests.material.pe_fixtures import AMD64, EXPECTED
from tests.material.programs import need
from tests.material.windows import Wine, embeddable

SHORT = {"which.dll": "w.dll", "inner.dll": "i.dll", "extra.dll": "e.dll"}
LONG = {name: f"{name[:-4]}-0123456789abcdef0123456789abcdef.dll" for name in SHORT}
DOTTED = {name: f"{name[:-4]}-1.2.3.dll" for name in SHORT}


@pytest.fixture(scope="module")
def wine() -> Wine:
    return Wine()


def put_together(folder: Path, names: dict[str, str], shape: str) -> Path:
    """The program and its libraries by their new names; the old ones are not there."""
    for old in ("program.exe", *SHORT):
        data = fixture(old, AMD64)
        if shape == "full":
            data = without_slack(data)
        elif shape != "plain" and old == "program.exe":
            data = bound(data) if shape == "bound" else signed(data)
        wanted = {dll: names[dll] for dll in (*image_of(data).needed, *image_of(data).delayed) if dll in names}
        (folder / names.get(old, old)).write_bytes(patch(data, wanted) if wanted else data)
    return folder / "program.exe"


@pytest.mark.everything
@pytest.mark.parametrize(
    ("names", "shape"),
    [(SHORT, "plain"), (LONG, "plain"), (LONG, "full"), (DOTTED, "full"), (LONG, "bound"), (SHORT, "signed")],
    ids=["in place", "behind a section", "new section", "dots", "bound", "signed"],
)
def test_a_program_finds_its_dlls_by_their_new_names(
    wine: Wine, names: dict[str, str], shape: str, tmp_path: Path
) -> None:
    done = wine.run([put_together(tmp_path, names, shape)], tmp_path)
    assert (done.stdout, done.returncode) == (EXPECTED, 0)


@pytest.mark.everything
def test_a_program_whose_dlls_have_other_names_does_not_run(wine: Wine, tmp_path: Path) -> None:
    program = put_together(tmp_path, LONG, "plain")
    program.write_bytes(fixture())
    assert wine.run([program], tmp_path).stdout != EXPECTED


@pytest.mark.everything
def test_a_module_of_python_finds_a_renamed_dll(wine: Wine, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(embeddable(), tmp_path / "a python"))
    for module, old in (("_sqlite3.pyd", "sqlite3.dll"), ("_ssl.pyd", "libssl-3.dll"), ("_ctypes.pyd", "libffi-8.dll")):
        new = f"{old[:-4]}-0123456789abcdef0123456789abcdef.dll"
        path = folder / module
        path.write_bytes(patch(path.read_bytes(), {old: new}))
        (folder / old).rename(folder / new)
    said = "import sqlite3, ssl, ctypes; print(sqlite3.connect(':memory:').execute('select 6 * 7').fetchone()[0])"
    done = wine.run([folder / "python.exe", "-c", said], tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("42", 0)


@pytest.mark.everything
def test_the_stable_abi_s_forwarders_lead_to_a_renamed_python(wine: Wine, tmp_path: Path) -> None:
    """python3.dll has nothing but forwarders: all of them move."""
    folder = Path(shutil.copytree(embeddable(), tmp_path / "python"))
    names = {"python313.dll": "python313-0123456789abcdef.dll"}
    for path in (*folder.glob("*.pyd"), folder / "python.exe", folder / "python3.dll"):
        data = path.read_bytes()
        image = image_of(data)
        forwarders = image.exports.forwarders if image.exports is not None else ()
        if "python313.dll" in image.needed or any(each.dll == "python313" for each in forwarders):
            path.write_bytes(patch(data, names))
    (folder / "python313.dll").rename(folder / names["python313.dll"])
    for path in folder.glob("python313.*"):
        path.rename(path.with_name(path.name.replace("python313.", "python313-0123456789abcdef.", 1)))
    (folder / "python313-0123456789abcdef.zip").rename(folder / "python313.zip")
    (folder / "python313-0123456789abcdef._pth").write_text("python313.zip\n.\n")
    said = "import ctypes; lib = ctypes.PyDLL('python3.dll'); f = lib.PyLong_FromLong; f.restype = ctypes.py_object; print(f(42))"
    done = wine.run([folder / "python.exe", "-c", said], tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("42", 0), done.stderr[-500:]


@pytest.mark.everything
def test_a_signature_holds_where_nothing_changed_and_is_gone_where_something_did(tmp_path: Path) -> None:
    program = need("osslsigncode")
    source = embeddable() / "_sqlite3.pyd"
    files = [Path(shutil.copy(source, tmp_path / name)) for name in ("untouched.pyd", "changed.pyd")]
    for file, old in zip(files, ("nowhere.dll", "sqlite3.dll"), strict=True):
        command = ["bundler", "patch", "--replace-needed", old, "other.dll", str(file)]
        subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)

    def verified(file: Path) -> str:
        done = subprocess.run([program, "verify", "-in", file], capture_output=True, text=True, check=False)
        return done.stdout

    digests = re.findall(r"(?:Current|Calculated) message digest *: (\w+)", verified(files[0]))
    assert len(digests) == 2
    assert digests[0] == digests[1]
    assert "Current message digest" not in verified(files[1])
    assert files[0].read_bytes() == source.read_bytes()
    assert image_of(files[1].read_bytes()).headers.directory(c.SECURITY).size == 0
