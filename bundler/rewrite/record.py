"""`RECORD`: the files of an installed distribution, with digests and sizes (the "Recording installed projects" specification)."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.bundle_paths import relative
from bundler.entries import Digest
from bundler.machine import os

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Row(NamedTuple):
    """One row of a RECORD."""

    path: str
    """Relative to the folder in which the `.dist-info` lies, or absolute."""
    digest: str
    """`sha256=…`, or nothing."""
    size: str
    """In bytes, or nothing."""
    text: str
    """The row as it stands in the file."""

    @property
    def sha256(self) -> str:
        """The digest in hexadecimal; "" for a row without one, or with one of another algorithm."""
        algorithm, _, digest = self.digest.partition("=")
        if algorithm != "sha256":
            return ""
        try:
            return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Record:
    """A RECORD that was read."""

    paths: tuple[str, ...]
    """Those of its rows, in order."""
    texts: tuple[str, ...]
    """The rows as they stand in the file; line ends may be missing."""
    line_end: str = "\n"
    damage: str = ""
    """Why the file could not be read to its end; "" for a whole one."""

    @property
    def rows(self) -> Iterator[Row]:
        """The rows with all that is in them: made when they are asked for, since mostly the paths will do."""
        return map(self.row, range(len(self.paths)))

    def row(self, number: int) -> Row:
        """One of the rows, counted from 0."""
        text = self.texts[number]
        fields = next(csv.reader([text])) if '"' in text else text.rstrip("\r\n").split(",")
        _, digest, size = (*fields, "", "")[:3]
        return Row(self.paths[number], digest, size, text)


def parse_record(data: bytes) -> Record:
    """The rows in order, without empty lines. A damaged file ends at the first row that is none."""
    text = data.decode("utf-8", "surrogateescape")
    line_end = "\r\n" if "\r\n" in text else "\n"
    if '"' not in text and text.count("\r") == text.count("\r\n"):
        plain = tuple(line for line in text.replace("\r\n", "\n").split("\n") if line)
        return Record(tuple(line.partition(",")[0] for line in plain), plain, line_end)
    paths: list[str] = []
    texts: list[str] = []
    damage = ""
    try:
        for path, row in _rows_of_csv(io.StringIO(text, newline="")):
            paths.append(path)
            texts.append(row)
    except csv.Error as error:
        damage = str(error)
    if texts and not damage and len(list(csv.reader(io.StringIO(texts[-1] + "\n.\n", newline="")))) == 1:
        damage = "its last row has a quote that is not closed"  # what is written behind it would belong to it
        del paths[-1], texts[-1]
    return Record(tuple(paths), tuple(texts), line_end, damage)


def _rows_of_csv(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The path and the text of each row, which may have several lines."""
    read: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            read.append(line)
            yield line

    for fields in csv.reader(noted()):
        if fields:
            yield fields[0], "".join(read)
        read.clear()


def path_of_row(path: str, folder: str) -> str:
    """The path, without dots, that a row means: counted from `folder`, where the `.dist-info` lies, unless it is absolute."""
    if path[:1] not in ("/", ".", "") and "//" not in path and "/." not in path:
        return f"{folder}/{path}"
    return os.path.normpath(os.path.join(folder, path))


def rewrite_record(
    record: Record,
    *,
    site_packages: str,
    resolve: Callable[[str], str | None],
    added: Iterable[str],
    digests: Mapping[str, Digest],
    changed: Collection[str],
) -> bytes:
    """RECORD as it must be in the bundle.

    `resolve` gives the bundle path of a row's path, or None for a file that is no longer there, whose row goes. Rows of
    `changed` files (bundle paths) get the digest and size from `digests`; other rows stay as they are,
    byte for byte. Files in `added` get rows at the end, relative to `site_packages`, which is the bundle path of the folder of
    the `.dist-info`.
    """
    end = record.line_end
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end)
    listed = set()
    for row in record.rows:
        place = resolve(row.path)
        if place is None:
            continue
        listed.add(place)
        is_absolute = row.path.startswith("/") or _DRIVE.match(row.path) is not None
        is_inside = is_absolute and not place.startswith("/") and place != row.path
        path = relative(place, site_packages) if is_inside else row.path
        if place in changed and row.digest and place in digests:
            writer.writerow((path, *_fields(digests[place])))
        elif path != row.path:
            writer.writerow((path, row.digest, row.size))
        else:
            out.write(row.text if row.text.endswith("\n") else row.text + end)
    for place in sorted(set(added) - listed):
        fields = _fields(digests[place]) if not place.endswith(".pyc") else ("", "")
        writer.writerow((relative(place, site_packages), *fields))
    return out.getvalue().encode("utf-8", "surrogateescape")


def _fields(digest: Digest) -> tuple[str, str]:
    text = base64.urlsafe_b64encode(digest.sha256).rstrip(b"=").decode("ascii")
    return f"sha256={text}", str(digest.size)
