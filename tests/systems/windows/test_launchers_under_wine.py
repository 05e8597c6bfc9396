"""Launchers that bundler changed start the Python of their bundle under Wine: from anywhere, moved, with arguments and status.

pip itself writes those of one bundle. uv itself does not start here: its trampolines get from the tests what uv would put there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.systems.windows.launchers.relocating import relocate
from tests.material.launchers import (
    DISTLIB,
    FROM_BUILD,
    INSTALLER,
    OLD_PIP,
    OLDEST_PIP,
    PIP,
    REPORT,
    UV_FIRST,
    UV_FOOTER_OLD,
    UV_OLDEST,
    Start,
    Started,
    distlib_launcher,
    footer_trampoline,
    home,
    in_windows,
    pip_program,
    program,
    resource_trampoline,
    setuptools_launcher,
    start_all,
    trampoline,
    without_padding,
    zipped,
)
from tests.material.own_wheels import make_wheel
from tests.material.schemes import WINDOWS_312
from tests.material.wheels import wheel
from tests.material.windows import Wine

pytestmark = pytest.mark.everything
ARGUMENTS = ["a b", "", "-v", 'q"uo\\te', "é"]


@pytest.fixture(scope="module")
def wine() -> Wine:
    return Wine()


def relocate_all(bundle: Path) -> dict[str, str]:
    """Do to each file of `Scripts` what a pack does; the reasons by name."""

    def file_of(path: str) -> bytes | None:
        file = bundle / path
        return file.read_bytes() if file.is_file() else None

    reasons = {}
    for file in sorted(path for path in (bundle / "Scripts").iterdir() if path.is_file()):
        found = relocate(f"Scripts/{file.name}", file.read_bytes(), WINDOWS_312, file_of)
        if found is not None:
            assert found.data is not None, found.reason
            file.write_bytes(found.data)
            reasons[file.name] = found.reason
    return reasons


def starts(bundle: Path, name: str, elsewhere: Path) -> list[Start]:
    """By an absolute path, by relative ones, through PATH."""
    scripts = bundle / "Scripts"
    return [
        Start([in_windows(scripts / name), *ARGUMENTS], in_windows(elsewhere)),
        Start([f".\\{name}", *ARGUMENTS], in_windows(scripts)),
        Start([f"..\\{bundle.name}\\Scripts\\{name}", *ARGUMENTS], in_windows(elsewhere)),
        Start(["cmd", "/c", name.removesuffix(".exe"), "x"], in_windows(elsewhere), in_windows(scripts)),
    ]


def check(found: list[Started], bundle: Path, python: str = "python.exe") -> None:
    for number, started in enumerate(found):
        assert started.status == 7, started
        assert started.arguments == (ARGUMENTS if number % 4 < 3 else ["x"])
        assert started.python.lower() == in_windows(bundle / python).lower()
        assert not started.isolated


def test_what_pip_installed_runs_after_a_move(wine: Wine, tmp_path: Path) -> None:
    bundle = home(tmp_path / "first")
    body = "def main():\n" + "".join(f"    {line}\n" for line in REPORT.decode().splitlines())
    files = {
        "app.py": body,
        "entry_points.txt": "[console_scripts]\napp = app:main\n[gui_scripts]\nappw = app:main\n",
        "scripts/plain.py": "#!python\nimport app\napp.main()\n",
    }
    made = make_wheel(tmp_path, "app", files)
    pip = f"{in_windows(wheel(PIP, 'any'))}\\pip"
    done = wine.run([bundle / "python.exe", pip, "install", "--no-index", "--no-deps", in_windows(made)], tmp_path)
    assert "Successfully installed" in done.stdout, done.stderr[-500:]
    assert relocate_all(bundle) == {
        "app.exe": "launcher made relocatable",
        "appw.exe": "launcher made relocatable",
        "plain.py": "shebang made relative",
    }
    moved = bundle.rename(tmp_path / "a ü é")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = start_all(
        wine, moved / "python.exe", starts(moved, "app.exe", elsewhere) + starts(moved, "appw.exe", elsewhere), tmp_path
    )
    check(found[:4], moved)
    check(found[4:], moved, "pythonw.exe")
    assert relocate_all(moved) == {}


def test_every_kind_runs_below_a_folder_with_a_space_and_an_e_acute(wine: Wine, tmp_path: Path) -> None:
    bundle = home(tmp_path / "a b é")
    packages = bundle / "Lib/site-packages/pip/_vendor/distlib"
    packages.mkdir(parents=True)
    (packages / "t64.exe").write_bytes(pip_program())
    launchers = {
        "pip-old": distlib_launcher(base=pip_program(OLD_PIP)),
        "pip-oldest": distlib_launcher(base=pip_program(OLDEST_PIP)),
        "distlib": distlib_launcher(base=program(DISTLIB, "distlib/t64.exe")),
        "distlib-3": distlib_launcher(base=program("distlib==0.3.5", "distlib/t64.exe")),
        "installer": distlib_launcher(
            f'#!"{FROM_BUILD}" -X utf8=0\n', program(INSTALLER, "installer/_scripts/t64.exe")
        ),
        "uv": resource_trampoline(),
        "uv-first": resource_trampoline(requirement="uv==0.9.9"),
        "uv-tight": without_padding(resource_trampoline("python.exe")),
        "uv-relocatable": footer_trampoline("python.exe"),
        "uv-footer": footer_trampoline(),
        "uv-old": footer_trampoline(FROM_BUILD, b"UVUV", UV_FOOTER_OLD),
        "uv-first-of-all": trampoline(UV_FIRST) + zipped(),
        "uv-oldest": footer_trampoline(FROM_BUILD, b"UVUV", UV_OLDEST),
        "setuptools": setuptools_launcher(),
    }
    scripts = bundle / "Scripts"
    for name, data in launchers.items():
        (scripts / f"{name}.exe").write_bytes(data)
    (scripts / "setuptools-script.py").write_bytes(f'#!"{FROM_BUILD}"\r\n'.encode() + REPORT)
    assert set(relocate_all(bundle)) == {f"{name}.exe" for name in launchers if name != "setuptools"} | {
        "setuptools-script.py"
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = start_all(
        wine,
        bundle / "python.exe",
        [start for name in launchers for start in starts(bundle, f"{name}.exe", elsewhere)],
        tmp_path,
    )
    check(found, bundle)


def test_options_reach_python(wine: Wine, tmp_path: Path) -> None:
    bundle = home(tmp_path / "bundle")
    for name, data in (
        ("plain.exe", distlib_launcher()),
        ("isolated.exe", distlib_launcher(f"#!{FROM_BUILD} -E -X utf8\n")),
        ("easy.exe", setuptools_launcher()),
        ("easy-script.py", f"#!{FROM_BUILD} -E -X utf8\n".encode() + REPORT),
    ):
        (bundle / "Scripts" / name).write_bytes(data)
    relocate_all(bundle)
    words = [[in_windows(bundle / "Scripts" / name)] for name in ("plain.exe", "isolated.exe", "easy.exe")]
    found = start_all(wine, bundle / "python.exe", [Start(each, "Z:\\") for each in words], tmp_path)
    assert [(each.status, each.isolated, each.utf8) for each in found] == [(7, 0, 0), (7, 1, 1), (7, 1, 1)]


def test_what_was_not_changed_does_not_run(wine: Wine, tmp_path: Path) -> None:
    """So that the others prove something."""
    bundle = home(tmp_path / "bundle")
    files = {"a.exe": distlib_launcher(), "b.exe": footer_trampoline(), "c.exe": resource_trampoline()}
    for name, data in files.items():
        (bundle / "Scripts" / name).write_bytes(data)
    words = [[in_windows(bundle / "Scripts" / name)] for name in files]
    found = start_all(wine, bundle / "python.exe", [Start(each, "Z:\\") for each in words], tmp_path)
    assert [each.arguments for each in found] == [None, None, None]
    assert all(each.status not in (0, 7) for each in found)
