"""What the run check compiles of the source's modules serves for the bundle's, as far as these are the same files."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import bundler
from bundler.audit import missing
from bundler.audit.compiled_modules import CompiledModules
from bundler.audit.observation import Batch, Observation
from bundler.audit.observing import Subject, observe
from bundler.audit.origins import Origins
from bundler.entries import Content, Entry, Layer, Literal, Source
from tests.material.environments import empty_environment

TAG = sys.implementation.cache_tag


def entry(path: str, content: Content) -> Entry:
    return Entry(path, content, 0o644, 0, Layer.PACKAGES, "env:")


def files(folder: str) -> set[str]:
    return {os.path.relpath(os.path.join(above, name), folder) for above, _, names in os.walk(folder) for name in names}


def test_unchanged_files_alone_are_handed_over(tmp_path: Path) -> None:
    names = ("same", "rewritten", "left_out", "renamed")
    for name in names:
        (tmp_path / f"{name}.py").write_text("")
    origins = Origins(
        [
            entry("lib/m/same.py", Source(str(tmp_path / "same.py"), 0)),
            entry("lib/m/rewritten.py", Literal(b"")),
            entry("lib/m/another.py", Source(str(tmp_path / "renamed.py"), 0)),
        ]
    )
    with CompiledModules() as compiled:
        made = Path(compiled.source, str(tmp_path).lstrip("/"), "__pycache__")
        made.mkdir(parents=True)
        for name in names:
            (made / f"{name}.{TAG}.pyc").write_text(name)
            (made / f"{name}.{TAG}.opt-1.pyc").write_text(name)
        compiled.hand_over(origins, "/place")
        assert files(compiled.bundle) == {f"place/lib/m/__pycache__/same.{TAG}.pyc"}
        left = Path(compiled.bundle, f"place/lib/m/__pycache__/same.{TAG}.pyc")
        assert left.read_text() == "same"
    assert not left.exists()


def test_a_bundle_is_run_with_what_was_compiled_for_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a module that the pack rewrites there is nothing: it is compiled from what the bundle has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment = empty_environment(tmp_path / "env")
    site = next(environment.glob("lib/python3*/site-packages"))
    (site / "same.py").write_text("VALUE = 1\n")
    (site / "fails.py").write_text("VALUE = \n")
    before: set[str] = set()
    after: set[str] = set()

    def spy(subject: Subject, batches: Sequence[Batch]) -> list[Observation]:
        assert subject.compiled is not None
        before.update(files(subject.compiled))
        stamps = {path: os.stat(os.path.join(subject.compiled, path)).st_mtime_ns for path in before}
        seen = observe(subject, batches)
        after.update(files(subject.compiled))
        assert stamps == {path: os.stat(os.path.join(subject.compiled, path)).st_mtime_ns for path in before}
        assert not any(file.startswith(subject.compiled) for item in seen for file in item.read)
        return seen

    monkeypatch.setattr(sys.modules["bundler.audit.run_check"], "observe", spy)
    report = bundler.pack(environment, tmp_path / "app", profile="slim")
    assert report.audit is not None and not report.audit.faults
    assert set(report.manifest.import_failures or ()) == {"fails"}
    assert any(path.endswith(f"site-packages/__pycache__/same.{TAG}.pyc") for path in before)
    assert not any("fails" in path for path in after)
    assert not [path for path in files(str(tmp_path / "app")) if "same" in path and path.endswith(".pyc")]


def test_the_source_is_lent_what_the_pack_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the run check of an archive compiles nothing but what the pack rewrote, of which the source has something else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment = empty_environment(tmp_path / "env")
    site = next(environment.glob("lib/python3*/site-packages"))
    (site / "same.py").write_text("import ssl\nVALUE = 1\n")
    lent: set[str] = set()
    compiled: set[str] = set()

    def spy(subject: Subject, batches: Sequence[Batch]) -> list[Observation]:
        assert subject.compiled is not None
        lent.update(path for path in files(subject.compiled) if os.path.islink(os.path.join(subject.compiled, path)))
        seen = observe(subject, batches)
        compiled.update(files(subject.compiled) - lent)
        return seen

    monkeypatch.setattr(missing, "observe", spy)
    report = bundler.pack(environment, tmp_path / "app.tar", profile="slim")
    assert report.audit is not None and not report.audit.faults
    assert any(path.endswith(f"site-packages/__pycache__/same.{TAG}.pyc") for path in lent)
    assert not any("same" in path for path in compiled)
    assert not any(path.endswith(f"/ssl.{TAG}.pyc") for path in lent), "the bundle has another one"


def test_what_fails_with_lent_code_is_tried_with_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyc that is at fault is the bundle's fault, and no excuse."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment = empty_environment(tmp_path / "env")
    site = next(environment.glob("lib/python3*/site-packages"))
    (site / "right.py").write_text("VALUE = 1\n")
    (site / "wrong.py").write_text("raise ImportError('never')\n")
    bundler.pack(environment, tmp_path / "first.tar", profile="slim", verify=False)
    # Somebody exchanges the two in the cache, under the digests that the names there have to be.
    pycs = {path.read_bytes(): path for path in (tmp_path / "cache/bundler/pyc").rglob("*.pyc")}
    (right,) = (path for data, path in pycs.items() if b"site-packages/right.py" in data)
    (wrong,) = (data for data in pycs if b"site-packages/wrong.py" in data)
    key, digest = right.name[:32], hashlib.sha256(wrong).hexdigest()[:32]
    right.with_name(f"{key}-{digest}.pyc").write_bytes(wrong)
    right.unlink()
    report = bundler.pack(environment, tmp_path / "app.tar", profile="slim")
    assert report.audit is not None
    assert [(fault.path, fault.message) for fault in report.audit.faults] == [
        ("right", "cannot be imported: ImportError: never")
    ]
