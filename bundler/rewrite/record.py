"""`RECORD`: the files of an installed distribution, with digests and sizes (the "Recording installed projects" specification)."""

from __future__ import annotations

import base64
import csv
import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.bundle_paths import relative
from bundler.entries import Digest


class Row(NamedTuple):
    """One row of a RECORD."""

    path: str
    """Relative to the folder in which the `.dist-info` lies, or absolute."""
    digest: str
    """`sha256=…`, or nothing."""
    size: str
    """In bytes, or nothing."""
    text: str
    """The row as it stands in the file, its line end included."""


@dataclass(frozen=True, slots=True)
class Record:
    """A RECORD that was read."""

    rows: tuple[Row, ...]
    line_end: str = "\n"
    damage: str = ""
    """Why the file could not be read to its end; "" for a whole one."""


def parse_record(data: bytes) -> Record:
    """The rows in order: short ones are filled up, empty lines skipped. A damaged file ends at the first row that is none."""
    text = data.decode("utf-8", "surrogateescape")
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = io.StringIO(text, newline="")
    rows: list[Row] = []
    if '"' not in text:
        rows += (_row(line.rstrip("\r\n").split(","), line) for line in lines if line.strip("\r\n"))
        return Record(tuple(rows), line_end)
    damage = ""
    try:
        rows += _quoted_rows(lines)
    except csv.Error as error:
        damage = str(error)
    return Record(tuple(rows), line_end, damage)


def _quoted_rows(lines: Iterable[str]) -> Iterator[Row]:
    """The rows of a file with quotes, in which a row may have several lines."""
    read: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            read.append(line)
            yield line

    for fields in csv.reader(noted()):
        if fields:
            yield _row(fields, "".join(read))
        read.clear()


def _row(fields: list[str], text: str) -> Row:
    path, digest, size = (*fields, "", "")[:3]
    return Row(path, digest, size, text)


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
        path = relative(place, site_packages) if row.path.startswith("/") and not place.startswith("/") else row.path
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
