"""An archive of an environment, brought up to date: the same as a whole pack of it, and most of it is not compressed again."""

from __future__ import annotations

from pathlib import Path

import bundler as api
from tests.material.environments import SLIM, bundler, empty_environment


def test_an_updated_archive_is_that_of_a_whole_pack(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    module = next(environment.glob("lib/python*/site-packages")) / "mine.py"
    module.write_text("VALUE = 1\n")
    out, whole = tmp_path / "app.tar.zst", tmp_path / "whole.tar.zst"
    first = api.pack(environment, out, verify=False, profile="slim", update=True)
    assert first.notes[-1] == f"nothing could be taken over from {out}: No such file or directory"
    before = out.read_bytes()
    module.write_text("VALUE = 2\n")
    done = bundler(["pack", environment, "--out", out, "--update", "--no-verify", "-v", *SLIM])
    assert done.returncode == 0, done.stderr
    assert f"taken over from {out}: " in done.stderr
    api.pack(environment, whole, verify=False, profile="slim")
    assert before != out.read_bytes() == whole.read_bytes()
    report = api.pack(environment, tmp_path / "other.tar.zst", verify=False, profile="slim", reuse=out)
    assert report.notes[-1].startswith(f"taken over from {out}: ")
    assert (tmp_path / "other.tar.zst").read_bytes() == whole.read_bytes()
