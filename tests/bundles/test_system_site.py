"""An environment that uses its base's packages: they come along behind its own, as `site` orders them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.environments import empty_environment, pack, run
from tests.material.interpreters import debian_python, main_python
from tests.material.isolation import hidden

_LEFT_OUT = ("test", "__pycache__", "config-*", "include", "share", "idlelib", "lib2to3", "turtledemo", "site-packages")


@dataclass(frozen=True)
class Systemwide:
    """A base with packages, and an environment that uses them; both have a package `both`."""

    base: Path
    environment: Path

    def run(self, bundle: Path, code: str) -> list[str]:
        places: list[str | Path] = [self.base, self.environment, *main_python().places]
        done = hidden(places, [bundle / "bin/python", "-W", "error", "-c", code])
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.splitlines()


def package(folder: Path, name: str, version: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(f"version = {version!r}\n")
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (metadata / "RECORD").write_text(f"{name}/__init__.py,,\n{metadata.name}/METADATA,,\n{metadata.name}/RECORD,,\n")


@pytest.fixture(scope="module")
def systemwide(tmp_path_factory: pytest.TempPathFactory) -> Systemwide:
    python = main_python()
    if python.prefix == "/usr":
        pytest.skip("needs a Python with a prefix of its own (pyenv)")
    folder = tmp_path_factory.mktemp("systemwide")
    base = Path(
        shutil.copytree(python.prefix, folder / "base", symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    )
    packages = base / f"lib/python{python.version}/site-packages"
    package(packages, "both", "1")
    (packages / "both/only_in_1.py").write_text("")
    package(packages, "base_only", "1")
    (packages / "more").mkdir()
    (packages / "more/from_pth.py").write_text("")
    (packages / "more.pth").write_text("more\n")
    run([base / "bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", folder / "env"])
    own = folder / f"env/lib/python{python.version}/site-packages"
    package(own, "both", "2")
    (own / "zz").mkdir()
    (own / "zz/from_own_pth.py").write_text("")
    (own / "zz.pth").write_text("zz\n")
    return Systemwide(base, folder / "env")


def test_the_base_s_packages_come_along_in_site_s_order(systemwide: Systemwide, tmp_path: Path) -> None:
    code = (
        "import sys, both, base_only, from_pth, from_own_pth, importlib.metadata as m;"
        "print(both.version, m.version('both'), m.version('base_only'));"
        "print(*[p for p in sys.path if 'site-packages' in p], sep='\\n');"
        "import both.only_in_1"
    )
    before = run([systemwide.environment / "bin/python", "-c", code.rpartition(";")[0]]).stdout.splitlines()
    pack(systemwide.environment, tmp_path / "packed")
    bundle = (tmp_path / "packed").rename(tmp_path / "bundle")
    with pytest.raises(AssertionError, match=r"No module named 'both\.only_in_1'"):
        systemwide.run(bundle, code)
    after = systemwide.run(bundle, code.rpartition(";")[0])
    assert after[0] == before[0] == "2 2 1"
    stdlib = f"lib/python{main_python().version}"
    meant = {
        f"{systemwide.environment}/{stdlib}": f"{bundle}/{stdlib}",
        f"{systemwide.base}/{stdlib}": f"{bundle}/{stdlib}/system-site/1",
    }
    expected = [
        next(new + path[len(old) :] for old, new in meant.items() if path.startswith(old)) for path in before[1:]
    ]
    assert after[1:] == expected
    assert len(expected) == 4
    manifest = json.loads((bundle / "bundle.json").read_text())
    assert manifest["files"][f"{stdlib}/system-site/1/site-packages/base_only/__init__.py"]["origin"].startswith(
        "base:"
    )


def test_no_system_site_leaves_them_out(systemwide: Systemwide, tmp_path: Path) -> None:
    pack(systemwide.environment, tmp_path / "bundle", "--no-system-site")
    code = "import both, importlib.util as u; print(both.version, u.find_spec('base_only'))"
    assert systemwide.run(tmp_path / "bundle", code) == ["2 None"]
    assert not list((tmp_path / "bundle").rglob("*system-site*"))


@pytest.mark.everything
def test_debian_s_packages_come_along(tmp_path: Path) -> None:
    python = debian_python()
    if python is None:
        pytest.skip("no Debian Python with venv: apt-get install python3-venv")
    empty_environment(tmp_path / "env", python, "--system-site-packages")
    code = "import sys; print(*[p for p in sys.path if 'dist-packages' in p], sep='\\n')"
    folders = run([tmp_path / "env/bin/python", "-c", code]).stdout.split()
    assert "/usr/lib/python3/dist-packages" in folders
    # Modules of Debian's (cryptography) make libcrypto open a library by a path that is compiled in.
    pack(tmp_path / "env", tmp_path / "bundle", "--exclude-lib", "libcrypto.so.*", "--exclude-lib", "libssl.so.*")
    originals: list[str | Path] = [tmp_path / "env", *python.places]
    stdlib = f"{tmp_path}/bundle/lib/python{python.version}"
    code = "import sys; print(*[p for p in sys.path if 'system-site' in p], sep='\\n')"
    done = hidden(originals, [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout.split() == [f"{stdlib}/system-site/{n}/site-packages" for n in range(1, len(folders) + 1)]
