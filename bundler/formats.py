"""The formats of output, one line for each archive: the command line, the sinks and the trees read this table.

What writes and what reads a format is named by its module, which is imported when it is asked for: this table stands below both.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bundler.errors import UnfittingOption

DIRECTORY = "directory"
"""The name of what is no archive: a directory has a sink and a tree of its own."""
FOLDER_LABEL = "bundler.folder"
"""The label of an OCI image that names the folder of its bundle."""
SIGNATURE_SUFFIX = ".intoto.jsonl"
"""What stands behind the name of an archive in that of the file that signs it, which lies beside it (in-toto, "Bundle")."""
SIGNATURE = f"bundle{SIGNATURE_SUFFIX}"
"""The bundle path of the file that signs a bundle in a directory. `bundle.json`, which it signs, does not list it."""
HEAD_SIZE = 512
"""Bytes of a file's beginning that tell its format."""


@dataclass(frozen=True, slots=True)
class ArchiveFormat:
    """A format of archives."""

    name: str
    """For `--format`."""
    suffixes: tuple[str, ...]
    """What names of such files end with; of two formats that fit, the one with the longer suffix is meant."""
    magic: tuple[tuple[int, bytes], ...]
    """Bytes at offsets that every such file has; of two formats that fit, the one that asks for more is meant."""
    writer: str
    """`module:name` below `bundler.sinks`: makes a `MemberWriter` from an `Output` and `ArchiveSettings`."""
    reader: str
    """A module below `bundler.trees`: its `members` gives what is in the file at a path."""
    streams: bool = False
    """Whether it can be written without going back in the file."""
    has_top: bool = True
    """Whether a folder (`--top`) can stand above all entries."""
    has_levels: bool = True
    """Whether it is compressed, more or less (`--level`)."""
    has_frames: bool = False
    """Whether parts of an archive that stay the same can be taken over by the next one (`--update`, `--reuse`)."""
    is_image: bool = False
    """Whether it holds the root folder of a system, and the bundle in a folder of that."""
    unpacks_itself: bool = False
    """Whether it is a script of a shell, too."""
    opening: str = "unpack {} anywhere"
    """What a person does first on the target, in words; `{}` is its path."""

    def find_writer(self) -> Any:
        """What `writer` names, imported now."""
        module, _, name = self.writer.partition(":")
        return getattr(import_module(f"bundler.sinks.{module}"), name)

    def find_reader(self) -> Any:
        """The function that `reader` means, imported now."""
        return import_module(f"bundler.trees.{self.reader}").members

    def find_manifest_reader(self) -> Any:
        """What reads the `bundle.json` of a file at a path without all the rest, imported now; of a format with frames.

        It gives None for a file that bundler did not write in this way.
        """
        return import_module(f"bundler.trees.{self.reader}").manifest


_GZIP, _ZSTD, _XZ, _BZIP2 = (0, b"\x1f\x8b"), (0, b"\x28\xb5\x2f\xfd"), (0, b"\xfd7zXZ"), (0, b"BZh")
_USTAR, _BLOBS, _PK, _SQUASHFS, _SCRIPT = (257, b"ustar"), (0, b"blobs/"), (0, b"PK"), (0, b"hsqs"), (0, b"#!")
_LOAD, _RUN = "podman load -i {}", "sh {} --target DIR"
ARCHIVES = (
    ArchiveFormat(
        "tar",
        (".tar",),
        (_USTAR,),
        "archives.plain_tar:PlainTarWriter",
        "tar",
        streams=True,
        has_levels=False,
        has_frames=True,
    ),
    ArchiveFormat("tar.gz", (".tar.gz", ".tgz"), (_GZIP,), "archives.tar:gzip", "tar", streams=True, has_frames=True),
    ArchiveFormat(
        "tar.zst", (".tar.zst", ".tzst"), (_ZSTD,), "archives.tar:zstd", "tar", streams=True, has_frames=True
    ),
    ArchiveFormat("tar.xz", (".tar.xz", ".txz"), (_XZ,), "archives.tar:xz", "tar", streams=True),
    ArchiveFormat("tar.bz2", (".tar.bz2", ".tbz2"), (_BZIP2,), "archives.tar:bzip2", "tar", streams=True),
    ArchiveFormat("zip", (".zip",), (_PK,), "archives.zip:ZipWriter", "zip", has_frames=True),
    ArchiveFormat("squashfs", (".squashfs", ".sqfs"), (_SQUASHFS,), "archives.squashfs:SquashfsWriter", "squashfs"),
    ArchiveFormat(
        "oci.tar",
        (".oci.tar",),
        (_USTAR, _BLOBS),
        "images.oci:OciWriter",
        "image",
        has_frames=True,
        is_image=True,
        opening="podman load -i {}",
    ),
    ArchiveFormat(
        "run",
        (".run",),
        (_SCRIPT,),
        "archives.self_extracting:RunWriter",
        "self_extracting",
        has_top=False,
        has_frames=True,
        unpacks_itself=True,
        opening="sh {} --target DIR",
    ),
)
FORMAT_NAMES = (DIRECTORY, *(form.name for form in ARCHIVES))


def archive_named(name: str) -> ArchiveFormat:
    """The format with a name. Raises UnfittingOption where there is none."""
    for form in ARCHIVES:
        if form.name == name:
            return form
    raise UnfittingOption(f"there is no format {name}", f"name one of {', '.join(FORMAT_NAMES)}")


def archive_of_suffix(path: str) -> ArchiveFormat | None:
    """The format that a path asks for by its suffix; None where it has none of the known ones."""
    name = path.lower()
    fitting = [(len(suffix), form) for form in ARCHIVES for suffix in form.suffixes if name.endswith(suffix)]
    return max(fitting, key=_rank)[1] if fitting else None


def archive_of_content(head: bytes) -> ArchiveFormat | None:
    """The format of a file with these first bytes, `HEAD_SIZE` of them; None where it is none of these."""

    def fits(form: ArchiveFormat) -> bool:
        return all(head[offset : offset + len(magic)] == magic for offset, magic in form.magic)

    fitting = [(len(form.magic), form) for form in ARCHIVES if fits(form)]
    return max(fitting, key=_rank)[1] if fitting else None


def _rank(ranked: tuple[int, ArchiveFormat]) -> int:
    return ranked[0]
