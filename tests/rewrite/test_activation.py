"""Activation in the real shells: each finds the bundle, shows its prompt, and takes everything back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.rewrite.activation import activation_scripts
from tests.material.isolation import hidden
from tests.material.shells import shell_command

SH_FAMILY = ("bash", "bash --posix", "zsh", "ksh", "mksh", "yash", "dash", "busybox sh")
OTHERS = ("fish", "tcsh", "nu", "xonsh")
# Of these the folder is found in the list of open files.
BY_OPEN_FILES = ("mksh", "yash", "dash", "busybox sh", "tcsh")
SUFFIX = {"fish": ".fish", "tcsh": ".csh", "nu": ".nu", "xonsh": ".xsh"}
ODD = "sp ace 'q\" é %d"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHOME": "/usr", "TERM": "dumb"}

SH = """
before=$(env | grep -v ^_ | sort)  # ksh has some of its own there
PS1='> '
. "$FILE"
echo "$VIRTUAL_ENV"; command -v python >/dev/null && python -c 'print("ran")'; echo "${PYTHONHOME-unset}"
echo "$VIRTUAL_ENV_PROMPT"; echo "${UV_PYTHON-unset}"; echo "$PS1"
. "$FILE"
deactivate
echo "${VIRTUAL_ENV-unset}" "$PYTHONHOME" "$PATH"; echo "$PS1"; command -v deactivate
[ "$before" = "$(env | grep -v ^_ | sort)" ] && echo same
set | grep -Eci '^_*(bundle|old_)'
"""
FISH = """
set before (env | sort | string collect)
source $FILE
echo $VIRTUAL_ENV; python -c 'print("ran")'; set -q PYTHONHOME; or echo unset
echo $VIRTUAL_ENV_PROMPT; set -q UV_PYTHON; or echo unset; fish_prompt; echo
source $FILE
deactivate
set -q VIRTUAL_ENV; or echo unset $PYTHONHOME (string join : $PATH); fish_prompt; echo; functions -q deactivate; and echo left
test "$before" = (env | sort | string collect); and echo same
set --names | grep -Eci 'bundle|old_'
"""
TCSH = """
setenv LANG x; unsetenv LANG; set prompt = '> '; env | sort > $OUT:q
source $FILE:q
echo $VIRTUAL_ENV:q; python -c 'print("ran")'; if ( ! $?PYTHONHOME ) echo unset
echo $VIRTUAL_ENV_PROMPT:q; if ( ! $?UV_PYTHON ) echo unset
echo $prompt:q
source $FILE:q
deactivate
if ( ! $?VIRTUAL_ENV ) echo unset $PYTHONHOME $PATH:q
echo $prompt:q; alias deactivate
env | sort | cmp $OUT:q - && echo same
set | grep -Eci '^_*(bundle|old_)'
"""
NU = """
let before = $env | reject CURRENT_FILE? PROCESS_PATH? FILE_PWD? PWD? | to nuon --serialize
overlay use @FILE@
print $env.VIRTUAL_ENV; ^python -c 'print("ran")'; print ($env.PYTHONHOME? | default unset)
print $env.VIRTUAL_ENV_PROMPT ($env.UV_PYTHON? | default unset) (do $env.PROMPT_COMMAND)
deactivate
print ([($env.VIRTUAL_ENV? | default unset) $env.PYTHONHOME ($env.PATH | str join ":")] | str join " ")
print (if $env.PROMPT_COMMAND? == null { "> " } else { "left" })
if $before == ($env | reject CURRENT_FILE? PROCESS_PATH? FILE_PWD? PWD? | to nuon --serialize) { print same }
print 0
"""
XONSH = """
import os
$PYTHONHOME = "/usr"
before = dict(__xonsh__.env.detype())
source $FILE
print($VIRTUAL_ENV, flush=True)
python -c 'print("ran")'
print(${...}.get("PYTHONHOME", "unset"))
print($VIRTUAL_ENV_PROMPT); print(${...}.get("UV_PYTHON", "unset")); print("(" + $VIRTUAL_ENV_PROMPT + ") > ")
source $FILE
deactivate
print(${...}.get("VIRTUAL_ENV", "unset"), $PYTHONHOME, ":".join($PATH)); print("> ")
print("left" if "deactivate" in aliases else "same" if before == dict(__xonsh__.env.detype()) else "other")
print(sum("bundle" in name.lower() for name in __xonsh__.env))
"""
CHECKS = {**dict.fromkeys(SH_FAMILY, SH), "fish": FISH, "tcsh": TCSH, "nu": NU, "xonsh": XONSH}


def small_bundle(root: Path, prompt: str = "") -> Path:
    """What activation needs of a bundle."""
    (root / "bin").mkdir(parents=True)
    (root / "pyvenv.cfg").write_text("version = 3.12.1\n" + (f"prompt = {prompt}\n" if prompt else "") + "last = 1\n")
    python = root / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for script in activation_scripts():
        (root / "bin" / script.name).write_bytes(script.data)
    return root


def run(shell: str, script: str, folder: Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell's own language; it lies in a file."""
    file = folder / "check"
    file.write_text(script)
    # A prompt that fish has from the start, for others to be restored.
    start = ["-C", "function fish_prompt; printf '> '; end"] if shell == "fish" else []
    variables = {**ENVIRONMENT, "HOME": str(folder), "OUT": str(folder / "out"), **env}
    if shell == "xonsh":
        del variables["PYTHONHOME"]  # it is a program of Python's itself
    return subprocess.run(
        [*shell_command(shell), *start, file], capture_output=True, text=True, env=variables, cwd=cwd, check=False
    )


@pytest.mark.parametrize("shell", [*SH_FAMILY, *OTHERS])
@pytest.mark.parametrize("way", ["absolute", "relative", "link"])
def test_the_bundle_is_found_and_everything_is_taken_back(tmp_path: Path, shell: str, way: str) -> None:
    shell_command(shell)
    root = small_bundle(tmp_path / ODD)
    suffix = SUFFIX.get(shell, "")
    file = {"absolute": root / f"bin/activate{suffix}", "relative": Path(f"{root.name}/bin/activate{suffix}")}.get(way)
    if file is None:
        (tmp_path / "one").symlink_to(f"{root.name}/bin/activate{suffix}")
        file = tmp_path / f"activate{suffix}"
        file.symlink_to("one")
    quoted = '"' + str(file).replace('"', '\\"') + '"'
    done = run(shell, CHECKS[shell].replace("@FILE@", quoted), tmp_path, tmp_path, FILE=str(file))
    lines = [str(root), "ran", "unset", root.name, "unset", f"({root.name}) > "]
    shown = done.stdout.splitlines()
    if shell not in ("fish", "nu", "xonsh"):
        # Prompts are kept as the shell reads them.
        assert shown[5] in (
            "($VIRTUAL_ENV_PROMPT) > ",
            f"({root.name.replace('%', '%%')}) > ",
        )
        shown[5] = lines[5]
    if shell == "nu":
        lines[5] = lines[5].replace("> ", "")
    assert [*shown[:5], shown[5].rstrip()] == [*lines[:5], lines[5].rstrip()], done.stderr
    assert shown[6:] == ["unset /usr /usr/bin:/bin", "> ", "same", "0"], done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "ksh", "mksh", "yash", "dash", "tcsh"])
@pytest.mark.parametrize("promptsubst", [False, True])
def test_the_prompt_shows_the_name_whatever_is_in_it(tmp_path: Path, shell: str, promptsubst: bool) -> None:
    if promptsubst and shell != "zsh":
        return
    name = "a %d `b` $HOME 'q\" é" + (
        "" if shell in ("yash", "tcsh") else " \\w"
    )  # those read the backslash afterwards
    root = small_bundle(tmp_path / "bundle", name)
    activate = "source" if shell == "tcsh" else "."
    lines = [f'{activate} "{root}/bin/activate{SUFFIX.get(shell, "")}"', "echo shown"]
    if shell == "yash":
        lines.insert(0, "PS1='> '")
    done = subprocess.run(
        [*shell_command(shell), *(["-o", "promptsubst"] if promptsubst else []), "-i"],
        input="\n".join([*lines, ""]), env={**ENVIRONMENT, "HOME": str(tmp_path)}, cwd=tmp_path,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, start_new_session=True,
    )  # fmt: skip
    assert f"({name}) " in done.stdout, done.stdout


@pytest.mark.parametrize("shell", [*SH_FAMILY, "fish", "tcsh"])
def test_no_prompt_is_touched_where_that_is_not_wanted(tmp_path: Path, shell: str) -> None:
    root = small_bundle(tmp_path / "bundle")
    file = root / f"bin/activate{SUFFIX.get(shell, '')}"
    show = {"fish": "source $FILE; fish_prompt", "tcsh": "set prompt = '> '; source $FILE; echo $prompt:q"}
    done = run(
        shell, show.get(shell, "PS1='> '; . \"$FILE\"; echo \"$PS1\""), tmp_path,
        FILE=str(file), VIRTUAL_ENV_DISABLE_PROMPT="1",
    )  # fmt: skip
    assert done.stdout.rstrip("\n") == "> ", done.stderr


@pytest.mark.parametrize("shell", BY_OPEN_FILES)
def test_a_shell_that_cannot_tell_asks_for_bundle_dir_and_obeys_it(tmp_path: Path, shell: str) -> None:
    root = small_bundle(tmp_path / ODD)
    elsewhere = tmp_path / "elsewhere"  # under this name it is not looked for
    elsewhere.write_bytes((root / f"bin/activate{SUFFIX.get(shell, '')}").read_bytes())
    script = {"tcsh": "source $FILE:q\necho $VIRTUAL_ENV:q\n"}.get(shell, '. "$FILE"\necho "$VIRTUAL_ENV"\n')
    done = run(shell, script, tmp_path, FILE=str(elsewhere))
    assert str(root) not in done.stdout
    assert "set BUNDLE_DIR" in done.stderr or "setenv BUNDLE_DIR" in done.stderr
    for value, cwd in ((str(root), None), (root.name, tmp_path)):
        done = run(shell, script, tmp_path, cwd, FILE=str(elsewhere), BUNDLE_DIR=value)
        assert done.stdout == f"{root}\n", done.stderr


@pytest.mark.parametrize("shell", BY_OPEN_FILES)
def test_without_proc_it_asks_as_well(tmp_path: Path, shell: str) -> None:
    root = small_bundle(tmp_path / "bundle")
    source = "source" if shell == "tcsh" else "."
    (tmp_path / "check").write_text(f'{source} "{root}/bin/activate{SUFFIX.get(shell, "")}"\n')
    for more in ({}, {"BUNDLE_DIR": str(root)}):
        done = hidden(["/proc"], [*shell_command(shell), tmp_path / "check"], env={**ENVIRONMENT, **more})
        assert ("BUNDLE_DIR" in done.stderr) == (not more)
        assert "cannot open" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "dash", "ksh", "mksh", "yash", "busybox sh"])
def test_activation_works_in_scripts_that_end_at_the_first_error(tmp_path: Path, shell: str) -> None:
    root = small_bundle(tmp_path / "bundle")
    done = run(shell, f'set -eu\n. "{root}/bin/activate"\ndeactivate\necho end\n', tmp_path)
    assert done.stdout == "end\n", done.stderr


@pytest.mark.parametrize("shell", SH_FAMILY)
def test_a_subshell_finds_the_bundle_as_well(tmp_path: Path, shell: str) -> None:
    root = small_bundle(tmp_path / "bundle")
    done = run(shell, f'( . "{root}/bin/activate"; echo "$VIRTUAL_ENV" ); echo "${{VIRTUAL_ENV-unset}}"\n', tmp_path)
    assert done.stdout == f"{root}\nunset\n", done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish", "tcsh"])
def test_another_environment_makes_room_and_comes_after_as_well(tmp_path: Path, shell: str) -> None:
    shell_command(shell)
    root = small_bundle(tmp_path / "bundle")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    suffix = SUFFIX.get(shell, "")
    source = "source" if shell in ("fish", "tcsh") else "."
    one, other = (f'{source} "{folder}/bin/activate{suffix}"' for folder in (root, venv))
    show = 'echo "$VIRTUAL_ENV" "$PATH"' if shell != "fish" else 'echo "$VIRTUAL_ENV" (string join : $PATH)'
    script = "\n".join([other, one, show, other, show, one, "deactivate", "env", ""])
    lines = run(shell, script, tmp_path).stdout.splitlines()
    assert lines[:2] == [f"{folder} {folder}/bin:/usr/bin:/bin" for folder in (root, venv)]
    variables = dict(line.split("=", 1) for line in lines[2:])
    assert variables["PATH"] == "/usr/bin:/bin"
    assert variables.get("PYTHONHOME") == ("/usr" if shell != "tcsh" else None)  # of which venv's csh takes no care
    assert "VIRTUAL_ENV" not in variables


def test_no_shell_is_told_to_set_uv_python() -> None:
    for script in activation_scripts():
        text = script.data.decode()
        assert "UV_PYTHON" not in text
        assert "uv pip install --python" in text
        assert os.sep + "home" not in text


def test_the_one_for_powershell_which_is_not_to_be_had_here_is_well_formed_and_finds_its_own_folder() -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="needs tree-sitter-powershell: pip install --group dev")
    grammar = pytest.importorskip("tree_sitter_powershell", reason="pip install --group dev")
    (data,) = (script.data for script in activation_scripts() if script.name == "activate.ps1")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert parser.parse(b"if ($x) { 'open'").root_node.has_error
    assert not parser.parse(data).root_node.has_error
    assert b"$env:VIRTUAL_ENV = Split-Path -Parent $PSScriptRoot" in data
