"""A bundle as one file that unpacks itself: a text in POSIX sh, and behind it a gzipped tar archive.

What the text says of the archive (its sizes and checksum) is known when the archive is written: it is filled in last, into
places of a fixed width.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shlex
from collections.abc import Iterable
from typing import BinaryIO

from bundler.bundle_paths import normal
from bundler.entries import Digest
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
_HEAD = 1 << 16  # bytes that the script has at most
_WORD = (
    r"[\w@%+=:,./-]+|'[^']*'(?:\"'\"'[^']*')*"  # as `shlex.quote` writes one, in which the shell finds nothing to do
)
_DECIMAL, _HEXADECIMAL = rf"\d{{1,{_NUMBER}}} *", "[0-9a-f]{64}"
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


def _template() -> str:
    with open(os.path.join(os.path.dirname(__file__), "self_extracting_header.sh"), encoding="utf-8") as file:
        return file.read()


def has_own_script(path: str) -> bool:
    """Whether the text in front of the archive in a file is the one that this version writes: the checksum does not cover it.

    In its places are words in which a shell finds nothing to do.
    """
    with open(path, "rb") as file:
        found = re.match(_pattern_of_script(), file.read(_HEAD))
    if found is None or int(found["OFFSET"]) != found.end():
        return False
    (name,), (start,) = (shlex.split(os.fsdecode(found[word])) for word in ("NAME", "START"))
    return "/" not in name and normal(start) == start


@functools.cache
def _pattern_of_script() -> bytes:
    """A regular expression for the text, whatever stands in its places."""
    parts = []
    for number, part in enumerate(_PLACE.split(_template())):  # text, word or None, number or None, text, …
        if number % 3 == 0:
            parts.append(re.escape(part))
        elif part is not None:
            parts.append(f"(?P<{part}>{_WORD if number % 3 == 1 else _HEXADECIMAL if part == 'SHA256' else _DECIMAL})")
    return "".join(parts).encode()


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
