"""What a finished bundle is made of, for other tools and for lawyers: bills of materials, and licence texts. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from bundler.beside import Beside, check_folder, written_beside
from bundler.bundle_paths import follow
from bundler.environment.unpacked import check_folder_or_archive, no_bundle
from bundler.errors import NotABundle
from bundler.files import MOST_OF_A_MANIFEST, MOST_OF_A_TEXT
from bundler.keywords import StrPath
from bundler.manifest import FileFact, Manifest, read_manifest
from bundler.option_kinds import member_of, path_of
from bundler.options import SbomFormat
from bundler.plan.bills import bill_time
from bundler.sbom import is_read
from bundler.sbom.bill import bill_of
from bundler.sbom.components import components_of
from bundler.sbom.documents import write_bill
from bundler.sbom.texts import collect_texts
from bundler.trees import MANIFEST, Kind, Member, open_tree


def bill_of_materials(path: StrPath, form: SbomFormat | str = SbomFormat.CYCLONEDX) -> bytes:
    """The bill of materials of the bundle at `path`, a directory or an archive, as a document in JSON.

    It tells of what is there: distributions that came after the pack are among its components.

    Raises NotABundle, UnsupportedBundle, DamagedBundle, BadOption for a form that there is none of.
    """
    form = member_of("form", SbomFormat, form)
    found = _read(path_of("path", path), is_read)
    return write_bill(bill_of(found.manifest, found.read, bill_time()), form)


def collect_licences(path: StrPath, folder: StrPath) -> tuple[str, ...]:
    """Collect the licence texts of the bundle at `path` in a new `folder`; gives the components that have none.

    Raises what `bill_of_materials` raises, OutputExists where the folder holds something else, OutputFailed.
    """
    path, folder = path_of("path", path), path_of("folder", folder)
    check_folder(folder)
    found = _read(path, is_read)
    components = components_of(found.manifest, found.read)
    wanted = {found.place(file) for each in components for file in each.licence_files}
    texts = _read(path, wanted.__contains__)
    collected = collect_texts(components, texts.read)
    with written_beside(Beside(folder=folder, texts=collected.files)):
        pass
    return collected.without


@dataclass(frozen=True, slots=True)
class _Found:
    """Some files of a bundle."""

    manifest: Manifest
    """With the files that are there."""
    links: Mapping[str, str]
    """The targets of links, by bundle path."""
    texts: Mapping[str, bytes]
    """What was read, by bundle path."""

    def place(self, path: str) -> str:
        """What a path leads to."""
        return follow(path, self.links) or path

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, links followed; None for one that was not read."""
        return self.texts.get(self.place(path))


def _read(path: str, is_wanted: Callable[[str], bool]) -> _Found:
    """The files at bundle paths that are wanted. The folder on top of an archive is not known before its end."""
    check_folder_or_archive(path)

    def look(member: Member, file: BinaryIO | None) -> bytes | None:
        name = member.path
        if file is None:
            return None
        if name.rpartition("/")[2] == MANIFEST:
            return _whole(file, MOST_OF_A_MANIFEST, name)
        if any(is_wanted(name[at:]) for at in _beginnings(name)):
            return _whole(file, MOST_OF_A_TEXT, name)
        return None

    found = open_tree(path).scan(look)
    texts = {member.path: data for member, data in found if data is not None}
    if MANIFEST not in texts:
        raise no_bundle(path)
    manifest = read_manifest(texts[MANIFEST])
    links = {member.path: member.target for member, _ in found if member.kind is Kind.LINK}
    files = {
        member.path: manifest.files.get(member.path, FileFact(link=member.target or None))
        for member, _ in found
        if member.kind in (Kind.FILE, Kind.LINK) and member.path != MANIFEST
    }
    return _Found(replace(manifest, files=files), links, texts)


def _beginnings(name: str) -> tuple[int, ...]:
    """Where a bundle path may begin in a name: with it, or below a folder on top."""
    top = name.find("/") + 1
    return (0, top) if top else (0,)


def _whole(file: BinaryIO, most: int, name: str) -> bytes:
    """All of a file. Raises NotABundle for one of more than `most` bytes."""
    parts, left = [], most
    while part := file.read(min(left + 1, 1 << 20)):
        left -= len(part)
        if left < 0:
            raise NotABundle(f"{name} has more than {most} bytes")
        parts.append(part)
    return b"".join(parts)
