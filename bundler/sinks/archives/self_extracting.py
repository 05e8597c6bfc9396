"""A bundle as one file that unpacks itself: a text in POSIX sh, and behind it a gzipped tar archive.

What the text says of the archive (its sizes and checksum) is known when the archive is written: it is filled in last, into
places of a fixed width.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable
from typing import BinaryIO

from bundler.entries import Digest
from bundler.files import opened
from bundler.machine import os
from bundler.output_facts import ArchiveFacts
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.frame_codecs import GZIP
from bundler.sinks.archives.frame_making import open_framing
from bundler.sinks.archives.framed_tar import FramedTar
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.reuse import Stream
from bundler.sinks.archives.tar import FrameWriter

_NUMBER = 20  # digits of a size in bytes
_WIDTHS = {"OFFSET": _NUMBER, "SIZE": _NUMBER, "SHA256": 64, "TOTAL": _NUMBER, "UNPACKED": _NUMBER}
_PLACE = re.compile(r"'@([A-Z_]+)@'|@([A-Z0-9]+)@")  # a word for the shell; a number
_WORD = r"[\w@%+=:,./-]+|'(?:[^']|'\"'\"')*'"  # what `shlex.quote` gives, on one line or several
_HEAD = 1 << 16  # bytes that the script has at most
_FACTS = re.compile(rb"^payload_offset=(?P<offset>\d{1,20})\s*\npayload_size=(?P<size>\d{1,20})\s*$", re.MULTILINE)


class RunWriter(FrameWriter):
    """Writes the text with empty places, then streams entries into the archive behind it; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        self._name, self._facts = settings.stem, settings.facts
        framing = open_framing(GZIP, settings, payload_of)
        super().__init__(framing, lambda: FramedTar(self._open_payload(output), framing))

    def end(self, digests: dict[str, Digest]) -> None:
        """End the archive, and fill in what is known now."""
        super().end(digests)
        unpacked = sum(digest.size for digest in digests.values())
        self._file.flush()
        self._file.seek(0)
        self._file.write(header(self._name, self._facts, self._payload, unpacked))

    def _open_payload(self, output: Output) -> _Summed:
        self._file = output.open(executable=True)
        self._file.write(header(self._name, self._facts))
        self._payload = _Summed(self._file)
        return self._payload


def payload_of(descriptor: int) -> Iterable[Stream]:
    """Where the gzipped archive lies in a file. Raises ValueError for one of another kind."""
    found = _FACTS.search(os.pread(descriptor, _HEAD, 0))
    if found is None:
        raise ValueError("it does not unpack itself")
    start = int(found["offset"])
    return (Stream(start, start + int(found["size"])),)


class _Summed:
    """Passes bytes on to a file and sums them up: size and SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self.size += len(data)
        return len(data)


def read_header(path: str) -> bytes | None:
    """The text in front of the archive in the file at `path`; None for a file that does not unpack itself."""
    with opened(path) as file:
        head = file.read(_HEAD)
    found = _FACTS.search(head) if head.startswith(b"#!") else None
    return head[: int(found["offset"])] if found is not None else None


def start_of_header(data: bytes) -> str | None:
    """The program that such a text starts (a bundle path, "" for none); None for a text that this version does not write."""
    text = os.fsdecode(data)
    match = re.fullmatch(_pattern(_template()), text)
    return "".join(shlex.split(match["START"])) if match is not None else None


def _pattern(template: str) -> str:
    """What matches the text with any words and numbers in its places: a word is quoted as `shlex.quote` does it, once."""
    pieces, done = [], 0
    for place in _PLACE.finditer(template):
        word, number = place.groups()
        pieces.append(re.escape(template[done : place.start()]))
        pieces.append(f"(?P<{word}>{_WORD})" if word else rf"[0-9a-f ]{{{_WIDTHS[number]}}}")
        done = place.end()
    return "".join(pieces) + re.escape(template[done:])


def _template() -> str:
    with opened(os.path.join(os.path.dirname(__file__), "self_extracting_header.sh")) as file:
        return file.read().decode()


def header(name: str, facts: ArchiveFacts, payload: _Summed | None = None, unpacked: int = 0) -> bytes:
    """The text; of the same length with and without what is known of the payload.

    `name` is the folder that it unpacks into unless told otherwise, `unpacked` the bytes of all files there.
    """
    text = _template()
    needs = facts.needs
    words = {
        "NAME": name,
        "START": facts.start,
        "SYSTEM": needs.system,
        "MACHINES": " ".join(needs.machines),
        "RUNS_ON": " ".join(needs.runs_on),
        "LIBC": needs.libc,
        "RELEASE": needs.release,
    }

    def filled(numbers: dict[str, str]) -> bytes:
        def value(match: re.Match[str]) -> str:
            word, number = match.groups()
            return shlex.quote(words[word]) if word else f"{numbers.get(number, ''):<{_WIDTHS[number]}}"

        return os.fsencode(_PLACE.sub(value, text))

    empty = filled({})
    if payload is None:
        return empty
    return filled(
        {
            "OFFSET": f"{len(empty)}",
            "SIZE": f"{payload.size}",
            "SHA256": payload.sha256.hexdigest(),
            "TOTAL": f"{len(empty) + payload.size}",
            "UNPACKED": f"{-(-unpacked // 1024)}",
        }
    )
