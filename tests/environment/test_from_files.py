"""An interpreter's facts from files alone are those that it gives itself."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.environment import Environment, EnvironmentKind, find_environment, load_environment
from bundler.environment.from_files.posix import read_sysconfigdata
from bundler.environment.standard_library import find_standard_library
from bundler.errors import BaseInterpreterMissing, BundlerError, ContradictoryEnvironment, InterpreterFailed
from bundler.platforms import OperatingSystem
from bundler.sysroot import Sysroot
from tests.material.environments import empty_environment, make
from tests.material.interpreters import Python, every_python, main_python


def both(path: Path) -> tuple[Environment, Environment]:
    """An environment as its interpreter describes it, and as its files do."""
    return load_environment(str(path)), load_environment(str(path), run=False)


@pytest.mark.parametrize("python", every_python(), ids=str)
def test_a_venv_over_any_python_is_read_as_its_interpreter_describes_it(python: Python, tmp_path: Path) -> None:
    where = tmp_path / "env"
    probed, read = both(
        make("virtualenv", python, where) if python.source == "debian" else empty_environment(where, python)
    )
    assert probed.probed and not read.probed
    assert replace(read, probed=True) == probed


@pytest.mark.parametrize("maker", ["venv --copies", "uv venv"])
def test_a_venv_of_any_maker_is_read_alike(maker: str, tmp_path: Path) -> None:
    python, where = main_python(), tmp_path / "env"
    probed, read = both(
        make(maker, python, where) if maker == "uv venv" else empty_environment(where, python, "--copies")
    )
    assert replace(read, probed=True) == probed


@pytest.mark.parametrize("python", every_python(), ids=str)
def test_an_installation_is_read_as_its_interpreter_describes_it(python: Python) -> None:
    if python.prefix == "/usr":
        pytest.skip("not an installation that stands by itself")
    probed, read = both(Path(python.prefix))
    assert read.interpreter == probed.interpreter


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with an interpreter and a venv over it, whose links and texts are names as seen from inside."""
    python = main_python()
    inside = tmp_path / "root"
    base = inside / "opt/python"
    for part in (f"bin/python{python.version}", f"lib/libpython{python.version}.so.1.0"):
        if os.path.exists(os.path.join(python.prefix, part)):
            (base / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.join(python.prefix, part), base / part)
    stdlib = base / f"lib/python{python.version}"
    stdlib.mkdir(parents=True, exist_ok=True)
    for name in os.listdir(os.path.join(python.prefix, f"lib/python{python.version}")):
        if name in ("os.py", "site.py") or name.startswith("_sysconfigdata"):
            shutil.copy(os.path.join(python.prefix, f"lib/python{python.version}", name), stdlib)
    (inside / "usr/local/bin").mkdir(parents=True)
    (inside / "usr/local/bin/python3").symlink_to(f"/opt/python/bin/python{python.version}")
    (inside / "app/bin").mkdir(parents=True)
    (inside / "app/bin/python").symlink_to("/usr/local/bin/python3")
    (inside / f"app/lib/python{python.version}/site-packages").mkdir(parents=True)
    (inside / "app/pyvenv.cfg").write_text("home = /usr/local/bin\n")
    return inside


@pytest.mark.parametrize("how", ["from inside", "from outside"])
def test_links_and_home_are_followed_inside_the_root(root: Path, how: str) -> None:
    read = load_environment("/app" if how == "from inside" else str(root / "app"), str(root))
    assert read.root == str(root / "app")
    assert read.interpreter.base_prefix == str(root / "opt/python")
    assert read.interpreter.executable == str(root / f"opt/python/bin/python{main_python().version}")
    assert read.site_packages == (str(root / f"app/lib/python{main_python().version}/site-packages"),)
    assert not read.probed


def test_this_machine_s_variables_mean_nothing_in_another_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/a")
    assert load_environment("/app", str(root)).library_path == ()


def test_an_installation_in_the_root_is_told_by_its_own_standard_library(root: Path) -> None:
    read = load_environment("/opt/python", str(root))
    assert read.kind is EnvironmentKind.INSTALLATION
    assert read.interpreter.base_prefix == read.root == str(root / "opt/python")
    with pytest.raises(BundlerError, match="belongs to /opt/python"):
        load_environment("/usr/local", str(root))


def test_without_headers_the_exact_version_comes_from_the_binary(root: Path) -> None:
    probed = load_environment(main_python().prefix)
    read = load_environment("/app", str(root))
    assert read.interpreter.version == probed.interpreter.version


def test_what_lies_outside_of_the_root_does_not_help(root: Path) -> None:
    (root / "usr/local/bin/python3").unlink()
    (root / "usr/local/bin/python3").symlink_to(main_python().executable)
    with pytest.raises(BaseInterpreterMissing) as caught:
        load_environment("/app", str(root))
    assert main_python().executable in caught.value.message and str(root) in caught.value.message


def test_home_is_a_name_in_the_root_though_this_machine_has_such_a_folder(root: Path) -> None:
    (root / "app/pyvenv.cfg").write_text(f"home = {main_python().prefix}/bin\n")
    (root / "app/bin/python").unlink()
    (root / "app/bin/python").symlink_to(f"/opt/python/bin/python{main_python().version}")
    assert load_environment("/app", str(root)).interpreter.base_prefix == str(root / "opt/python")


def test_a_missing_standard_library_names_where_it_was_looked_for(root: Path) -> None:
    shutil.rmtree(root / "opt/python/lib")
    with pytest.raises(BaseInterpreterMissing) as caught:
        load_environment("/app", str(root))
    assert "/opt/python/bin" in caught.value.message and "/usr/local/bin" in caught.value.message
    assert f"lib/python{main_python().version}/os.py" in caught.value.message


def test_a_standard_library_without_sources_is_there_and_says_nothing(root: Path) -> None:
    for module in (root / f"opt/python/lib/python{main_python().version}").glob("*.py"):
        module.rename(module.with_suffix(".pyc"))
    with pytest.raises(InterpreterFailed) as caught:
        load_environment("/app", str(root))
    assert "has compiled modules alone" in caught.value.message
    assert "without --no-probe" in str(caught.value.hint)


def copied(root: Path, config: str) -> None:
    """The venv as one of copies: no link leads from it to its base."""
    (root / "app/bin/python").unlink()
    shutil.copy(root / f"opt/python/bin/python{main_python().version}", root / "app/bin/python")
    (root / "app/pyvenv.cfg").write_text(config)


@pytest.mark.parametrize("key", ["executable", "base-executable"])
def test_the_executable_that_pyvenv_cfg_names_is_followed_out_of_home(root: Path, key: str) -> None:
    (root / "usr/local/bin/python3").unlink()
    copied(root, f"home = /usr/local/bin\n{key} = /opt/python/bin/python{main_python().version}\n")
    assert load_environment("/app", str(root)).interpreter.base_prefix == str(root / "opt/python")


def test_a_base_of_another_release_names_both(root: Path) -> None:
    copied(root, f"home = /opt/python/bin\nversion = {main_python().version}.1\n")
    (root / f"opt/python/lib/python{main_python().version}").rename(root / "opt/python/lib/python3.7")
    with pytest.raises(ContradictoryEnvironment) as caught:
        load_environment("/app", str(root))
    assert f"version = {main_python().version}.1" in caught.value.message
    assert "/opt/python/lib/python3.7" in caught.value.message


def test_before_3_11_the_link_is_followed_before_home(root: Path) -> None:
    """As Python does it: it looks for `pyvenv.cfg` where the links of its executable end."""
    for place in ("opt/python/lib/python3.9", "usr/lib/python3.9", "opt/python/lib/python3.11", "usr/lib/python3.11"):
        (root / place).mkdir(parents=True, exist_ok=True)
        (root / place / "os.py").write_text("")
    for version, prefix in (("3.9", "opt/python"), ("3.11", "usr")):
        (root / "app/bin/python").unlink()
        (root / "app/bin/python").symlink_to(f"/opt/python/bin/python{version}")
        shutil.copy("/bin/true", root / f"opt/python/bin/python{version}")
        for folder in (root / "app/lib").iterdir():
            folder.rename(root / f"app/lib/python{version}")
        located = find_environment("/app", Sysroot(str(root)))
        assert find_standard_library(located).prefix == str(root / prefix)


def test_the_configuration_is_read_and_never_executed(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    text = f"import os\nos.mkdir({str(trap)!r})\nbuild_time_vars = {{'A': 1, 'B': os.mkdir({str(trap)!r}), 'C': 'c'}}\n"
    assert read_sysconfigdata(text.encode(), "there") == {"A": 1, "C": "c"}
    assert not trap.exists()
    for damaged in (b"build_time_vars = {", b"build_time_vars = 1", b"\0", b"x = {" + b"(" * 5000):
        with pytest.raises(InterpreterFailed, match="there"):
            read_sysconfigdata(damaged, "there")


def test_a_macos_executable_is_read_and_not_run(root: Path) -> None:
    for machines in (("arm64",), ("x86_64", "arm64")):
        cpu = {"arm64": 0x0100000C, "x86_64": 0x01000007}
        thin = b"\xcf\xfa\xed\xfe" + cpu[machines[0]].to_bytes(4, "little") + bytes(24)
        slices = b"".join(cpu[machine].to_bytes(4, "big") + bytes(16) for machine in machines)
        fat = b"\xca\xfe\xba\xbe" + len(machines).to_bytes(4, "big") + slices
        (root / f"opt/python/bin/python{main_python().version}").write_bytes(fat if len(machines) > 1 else thin)
        read = load_environment("/app", str(root))
        assert read.platform.system is OperatingSystem.MACOS
        assert read.platform.machine_names == machines
