"""Scripts in sh that name the environment find the bundle wherever it is, whatever the quotes around the name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.rewrite.shell_scripts import NotRewritten, is_shell_script, rewrite_shell_script
from tests.material.programs import need

SCRIPT = rb"""#!/bin/sh
# not here: /venv/bin (it's a comment)
set -eu
printf '%s\n' /venv/bin/app "in: /venv/bin" 'single: /venv/x "y"' "$(printf %s "/venv/deep")" `printf %s /venv/tick`
X=/venv/bin:${PATH#/venv}; printf '%s\n' "${X%%:*}" "${NOTHING:-/venv/else}" ${NOTHING:-/venv/bare}
case "/venv/bin" in /venv/*) echo matched ;; esac
cat <<END
here: /venv/doc it's "so"
END
cat <<-'END'
	nothing: $HOME
	END
printf '%s\n' /venvother /srv/venv/bin /venv.d escaped\' "a\"b" /venv
"""
SHELLS = ["dash", "bash", "bash --posix", "busybox sh", "zsh --emulate sh", "ksh", "mksh", "yash"]


def rewritten(data: bytes) -> bytes:
    new = rewrite_shell_script(data, ["/venv"], "..")
    assert not isinstance(new, NotRewritten) and new is not None
    return new.data


@pytest.mark.parametrize("shell", SHELLS)
def test_a_variable_of_bash_s_name_in_the_environment_does_not_mislead(tmp_path: Path, shell: str) -> None:
    need(shell.split(maxsplit=1)[0])
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/tool"
    script.write_bytes(rewritten(b"#!/bin/sh -eu\necho /venv/bin/app\n"))
    variables = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "BASH_SOURCE": "/elsewhere/bin/tool"}
    done = subprocess.run([*shell.split(), script], capture_output=True, text=True, check=False, env=variables)
    assert (done.stdout, done.stderr) == (f"{tmp_path}/bin/app\n", "")


def test_bash_may_source_it(tmp_path: Path) -> None:
    need("bash")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_bytes(rewritten(b"#!/bin/sh\necho /venv/bin/app\n"))
    command = ["bash", "-c", ". ./bin/tool"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == (f"{tmp_path}/bin/app\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_kind_of_quotes_gives_the_bundle_s_place(tmp_path: Path, shell: str) -> None:
    need(shell.split(maxsplit=1)[0])
    root = tmp_path / "sp  ace 'q\" é"
    (root / "bin").mkdir(parents=True)
    script = root / "bin/tool"
    script.write_bytes(rewritten(SCRIPT))
    (tmp_path / "-link").symlink_to(script)
    (tmp_path / "relative").symlink_to(f"{root.name}/bin/tool")
    for path, cwd in ((script, "/"), ("./-link", tmp_path), ("relative", tmp_path), ("tool", script.parent)):
        done = subprocess.run(
            [*shell.split(), path], capture_output=True, text=True, cwd=cwd, check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        # An unquoted expansion is split as it always was; the place itself stays one word.
        assert done.stdout.splitlines() == [
            f"{root}/bin/app", f"in: {root}/bin", f'single: {root}/x "y"', f"{root}/deep", *f"{root}/tick".split(),
            f"{root}/bin", f"{root}/else", f"{root}/bare", "matched", f"here: {root}/doc it's \"so\"", "nothing: $HOME",
            "/venvother", "/srv/venv/bin", "/venv.d", "escaped'", 'a"b', str(root),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"cat <<'X'\n/venv/bin\nX\n",
        b"echo $'/venv'\n",
        b'echo "$(case x in x) echo /venv;; esac)\n',
        b"cat <<X!/venv\nX!/venv\n",
        b"sed s/x/\\/venv/ y\n",
        b'echo "\\/venv"\n',
    ],
)
def test_where_nothing_is_expanded_the_script_is_left_with_a_reason(body: bytes) -> None:
    assert isinstance(rewrite_shell_script(b"#!/bin/bash\n" + body, ["/venv"], ".."), NotRewritten)


@pytest.mark.parametrize("body", [b"echo hello\n", b"# /venv/bin\n", b"echo /venv2 x/venv\n", b""])
def test_what_does_not_name_the_environment_stays(body: bytes) -> None:
    assert rewrite_shell_script(b"#!/bin/sh\n" + body, ["/venv"], "..") is None


def test_shells_are_told_by_the_first_line() -> None:
    for first in ("#!/bin/sh", "#! /bin/bash -e", "#!/usr/bin/env bash", "#!/usr/bin/zsh", "#!/bin/dash"):
        assert is_shell_script(first.encode() + b"\n")
    for first in ("#!/usr/bin/fish", "#!/usr/bin/env python3", "#!/bin/shell", "#!/usr/bin/perl"):
        assert not is_shell_script(first.encode() + b"\n")


@given(st.text(alphabet="/venv'\"`$(){}\\#<\n x", max_size=60))
def test_any_text_is_rewritten_or_left(text: str) -> None:
    new = rewrite_shell_script(b"#!/bin/sh\n" + text.encode(), ["/venv"], "..")
    assert new is None or isinstance(new, NotRewritten) or new.data.startswith(b"#!/bin/sh\n__bundler_script=")
