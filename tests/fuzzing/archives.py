"""Targets: bundles in archives, their manifests and indexes, read, audited and unpacked as `verify` and `--update` do it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping

from bundler.audit.contents import audit_contents
from bundler.audit.reports import AuditReport
from bundler.audit.static import audit_static, system_of_bundle
from bundler.audit.subjects import entry_modules, top_level_modules
from bundler.audit.tree import look_through
from bundler.contents.differences import differences
from bundler.contents.reading import LOOKING, contents_of
from bundler.contents.sizes import sizes
from bundler.contents.why import why
from bundler.entries import Entry, Layer, Literal
from bundler.errors import NotABundle, UnsupportedBundle
from bundler.formats import archive_named
from bundler.inspection import inspect
from bundler.manifest import read_contents, read_manifest, read_options
from bundler.remembered import remembered_options
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD
from bundler.sinks.archives.frame_index import pack_index, unpack_index
from bundler.sinks.archives.reuse import Indexed, frames_of, open_reusable, whole_file
from bundler.sinks.archives.self_extracting import payload_of
from bundler.sinks.archives.zip_members import members_of
from bundler.sinks.placement import is_bundle
from bundler.trees import MANIFEST, extracted
from bundler.trees.archive import ArchiveTree
from bundler.trees.planned import PlannedTree
from bundler.trees.settled import settle
from tests.contents.made_up import entries as made_up
from tests.contents.made_up import files_of
from tests.fuzzing.files import folder, placed
from tests.fuzzing.target import Target

_REFUSALS = (NotABundle, UnsupportedBundle)
_SITE = "lib/python3.12/site-packages"


def read(form: str, data: bytes) -> None:
    """An archive of a format, as `verify` reads it: to its end, and what is in it judged."""
    with placed(data) as path:
        tree = look_through(ArchiveTree(str(path), archive_named(form).find_reader()))
        if tree is None:
            raise NotABundle("no manifest")
        system = system_of_bundle(tree)
        faults, notes = audit_static(tree, system)
        _told(
            AuditReport((*audit_contents(tree, system, strict=False).faults, *faults), len(tree.files), (), (*notes,))
        )


def unpack(form: str, data: bytes) -> None:
    """The same as `verify --run` unpacks it: nothing is written but into a folder of its own, which goes."""
    outer = folder() / "unpacking"
    inner = outer / "here"
    inner.mkdir(parents=True, exist_ok=True)
    with placed(data, "unpacking/here/input") as path:
        try:
            with extracted(str(path)) as made:
                assert os.path.realpath(made).startswith(f"{os.path.realpath(inner)}/")
        finally:
            left = {str(found.relative_to(outer)) for found in outer.rglob("*")}
            assert left == {"here", "here/input"}, f"left behind: {left}"


def remembered(data: bytes) -> None:
    """What `--update` asks of an archive that is there, of whatever format: never an error."""
    with placed(data) as path:
        remembered_options(str(path))


def reuse(data: bytes) -> None:
    """What `--reuse` takes from an archive: never an error but a note."""

    def of_any_kind(descriptor: int) -> Iterator[Indexed]:
        for codec in (GZIP, ZSTANDARD):
            for streams in (whole_file, payload_of):
                try:
                    yield from frames_of(descriptor, codec, codec.level, streams)
                except ValueError as error:
                    assert str(error)
        yield from members_of(descriptor, GZIP.level)

    with placed(data) as path:
        found = open_reusable([str(path)], of_any_kind, cache=False)
        try:
            for key in list(found._kept)[:50]:
                found.take(key)
        finally:
            found.close()


def index(data: bytes) -> None:
    """The index of an archive's frames behind a true seal: what is read is packed to the same bytes."""
    sealed = data + hashlib.sha256(data).digest()
    assert pack_index(unpack_index(sealed)) == sealed


def manifest(data: bytes) -> None:
    """`bundle.json` by itself, for a verify, an update and an inspection."""
    for look in (read_contents, read_options, read_manifest):
        look(data)


def audit(data: bytes) -> None:
    """`bundle.json` of a bundle that has a few files: whatever it says of them, there is a report."""
    texts = {
        MANIFEST: data,
        "pyvenv.cfg": b"include-system-site-packages = false\n",
        f"{_SITE}/a.pth": b"import a\n../x\n/opt\n",
        f"{_SITE}/b.start": b"b:run\n",
        f"{_SITE}/c-1.dist-info/RECORD": b"c.py,sha256=xx,1\n../../../bin/c,,\n",
        f"{_SITE}/c-1.dist-info/entry_points.txt": b"[console_scripts]\nc = c:main\n",
        f"{_SITE}/c.py": b"",
        "bin/c": b"#!/venv/bin/python3\n",
    }
    entries = (Entry(path, Literal(text), 0o755, 0, Layer.APPLICATION, "env:") for path, text in texts.items())
    tree = look_through(PlannedTree(entries))
    if tree is None:
        raise NotABundle("no manifest")
    system = system_of_bundle(tree)
    contents = audit_contents(tree, system, strict=False)
    faults, notes = audit_static(tree, system)
    _told(AuditReport((*contents.faults, *faults), len(tree.files), contents.added, (*contents.notes, *notes)))
    entry_modules(tree)
    top_level_modules(tree)


def contents(data: bytes) -> None:
    """`bundle.json` of a bundle with distributions and a binary: what is inside is told, who needs what, that nothing differs."""
    _tell_contents(data, files_of())


def metadata(data: bytes) -> None:
    """The metadata of a distribution, and its list of files, in a sound bundle."""
    files = files_of()
    places = [path for path in files if path.endswith(("middle-1.5.dist-info/METADATA", "middle-1.5.dist-info/RECORD"))]
    manifest = next(entry.content for entry in settle(made_up(files)).entries if entry.path == MANIFEST)
    assert isinstance(manifest, Literal)
    _tell_contents(manifest.data, {**files, **dict.fromkeys(places, data)})


def _tell_contents(manifest: bytes, files: Mapping[str, bytes]) -> None:
    texts = {**files, MANIFEST: manifest}
    entries = (Entry(path, Literal(text), 0o755, 0, Layer.APPLICATION, "env:") for path, text in texts.items())
    tree = look_through(PlannedTree(entries), LOOKING)
    if tree is None:
        raise NotABundle("no manifest")
    found = contents_of(tree, "bundle")
    told = sizes(found)
    assert sum(portion.size for portion in told.parts) == found.size
    json.dumps(told.to_dict())
    for name in (*(each.name for each in found.distributions), *list(found.binaries)[:3]):
        json.dumps([cause.to_dict() for cause in why(found, name)])
    assert differences(found, found).same


def inspection(data: bytes) -> None:
    """`bundle.json` in a folder that `inspect` is given."""
    place = folder() / "bundle"
    place.mkdir(exist_ok=True)
    (place / MANIFEST).write_bytes(data)
    if is_bundle(str(place)):
        json.dumps(inspect(str(place)))


def _told(report: AuditReport) -> None:
    json.dumps(report.to_dict())
    for line in report.lines(verbose=True):
        line.encode("utf-8", "backslashreplace")


def _formats() -> Iterator[Target]:
    for form, words in _WORDS.items():
        name = form.replace(".", "-")
        yield Target(f"read-{name}", functools.partial(read, form), _REFUSALS, words, 5.0, 24 << 20)
        if form in ("tar", "zip", "squashfs"):  # the others are tars behind a decoder
            yield Target(
                f"unpack-{name}", functools.partial(unpack, form), _REFUSALS, words, 5.0, 24 << 20, (f"read-{name}",)
            )


_TAR = (
    b"../x",
    b"/x",
    b"\0ustar\x0000",
    b"x",
    b"g",
    b"L",
    b"2",
    b"1",
    b"5",
    b"S",
    b"28 GNU.sparse.major=1\n",
    b"20 path=../../x\n",
    b"bundle.json",
)
_FRAMES = (
    b"\x1f\x8b\x08\0",
    b"\x03\0",
    b"bf",
    b"bndlfrm1",
    b"bundler frames 1\n",
    b"\x28\xb5\x2f\xfd",
    b"\x5b\x2a\x4d\x18",
    b"\xb1\xea\x92\x8f",
)
_WORDS: dict[str, tuple[bytes, ...]] = {
    "tar": _TAR,
    "tar.gz": _FRAMES,
    "tar.zst": _FRAMES,
    "tar.xz": (b"\xfd7zXZ\0", b"YZ"),
    "tar.bz2": (b"BZh9", b"1AY&SY"),
    "zip": (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../x", b"/x", b"\1\0\x10\0", b"bundle.json"),
    "squashfs": (b"hsqs", b"bundle.json", b"../x"),
    "oci.tar": (*_TAR, b"blobs/sha256/", b"index.json", b'"digest":', b"sha256:", b"bundler.folder", b'"layers":[]'),
    "run": (b"#!/bin/sh\n", b"payload_offset=", b"payload_size=", b"payload_sha256=", *_FRAMES),
}
_MANIFEST_WORDS = (
    *(
        b"null",
        b"{}",
        b"[]",
        b"-1",
        b"1e400",
        b"9" * 400,
        b"true",
        b'"\\ud800"',
        b"[" * 50,
        b'"../x"',
        b'"/x"',
        b'"linux"',
        b'"win32"',
    ),
    *(
        b'"version":"x"',
        b'"system":"x"',
        b'"libc":"x"',
        b'"size":',
        b'"mode":"7777"',
        b'"link":"/x"',
        b'"python":',
        b'"scheme":',
        b'"files":',
    ),
)

_FRAMED = ("read-tar", "read-tar-gz", "read-tar-zst", "read-zip", "read-oci-tar", "read-run")

TARGETS = (
    *_formats(),
    Target("remembered", remembered, (), (*_TAR, *_FRAMES), 5.0, 24 << 20, _FRAMED),
    Target("reuse", reuse, (), (*_FRAMES, b"PK\1\2", b"PK\5\6"), 5.0, 24 << 20, _FRAMED),
    Target("frame-index", index, (ValueError,), (b"bundler frames 1\n", b"\0\0\0\1")),
    Target("manifest", manifest, _REFUSALS, _MANIFEST_WORDS),
    Target("audit", audit, _REFUSALS, _MANIFEST_WORDS, 3.0, 24 << 20, ("manifest",)),
    Target("inspect", inspection, _REFUSALS, _MANIFEST_WORDS, folders=("manifest",)),
    Target("contents", contents, _REFUSALS, _MANIFEST_WORDS, 3.0, 24 << 20, ("manifest",)),
    Target(
        "contents-metadata",
        metadata,
        _REFUSALS,
        (b"Requires-Dist: ", b"; extra == 'x'"),
        3.0,
        24 << 20,
        ("metadata", "record"),
    ),
)
