"""Private keys, as texts and as whole files: by their armour, and by what is inside it.

Programs name the armour, too (`startswith("-----BEGIN ")`), and manuals have dots inside: it counts where a key follows.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

ARMOUR = b"PRIVATE KEY"
"""What every armour holds."""
BEFORE = 40
"""The most bytes of an armour's line before that."""
LONGEST = 8192
"""The most bytes of a key that are looked at."""

_BEGIN = re.compile(rb"-----BEGIN (?P<what>(?:[A-Z0-9]+ )*)PRIVATE KEY(?P<block> BLOCK)?-----")
_LINE_END = re.compile(rb"\\+[nr]")
_HEADER = re.compile(rb"[A-Za-z-]+: [^\n\\]*")  # `Proc-Type: 4,ENCRYPTED` of RFC 1421, `Version: …` of OpenPGP
# The first line of base 64, behind what a program's text has between two lines of a string. All kinds have longer lines.
_FIRST_LINE = re.compile(rb"[\s\"'\\,+()]*(?:b\"|b')?([A-Za-z0-9+/]{56,})")
_OPENSSH = b"openssh-key-v1\0"

_PUTTY = re.compile(rb"PuTTY-User-Key-File-[23]: \S+\s+Encryption: (?P<how>\S+)")
PUTTY = b"PuTTY-User-Key-File-"


class KeyFile(NamedTuple):
    """A kind of file that holds keys, and nothing else, by its beginning."""

    name: str
    head: re.Pattern[bytes]
    source: str


KEY_FILES = (
    KeyFile(
        "private-key",  # SEQUENCE, version 0: an RSAPrivateKey, or the AlgorithmIdentifier of a PrivateKeyInfo
        re.compile(rb"\x30(\x82..|\x81.|[\x20-\x7f])\x02\x01\x00(\x02\x82|\x02\x81|\x30[\x05-\x20]\x06)", re.DOTALL),
        "https://www.rfc-editor.org/rfc/rfc5958",
    ),
    KeyFile(
        "key-store",  # SEQUENCE, version 3
        re.compile(rb"\x30(\x82..|\x80)\x02\x01\x03\x30", re.DOTALL),
        "https://www.rfc-editor.org/rfc/rfc7292",
    ),
    KeyFile(
        "key-store",  # Java's
        re.compile(rb"\xfe\xed\xfe\xed\x00\x00\x00[\x01\x02]"),
        "https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html",
    ),
    KeyFile("key-store", re.compile(rb"\x03\xd9\xa2\x9a"), "https://keepass.info/help/kb/kdbx.html"),
)
_FIRST_BYTES = (b"\x30", b"\xfe", b"\x03")  # of these


def key_at(data: bytes, position: int) -> tuple[str, int] | None:
    """The kind of key whose armour has its `ARMOUR` at a position, and where it begins; None where no key follows."""
    begin = _BEGIN.search(data, max(0, position - BEFORE), position + BEFORE)
    if begin is None or not begin.start() < position < begin.end():
        return None
    inside = data[begin.end() : begin.end() + LONGEST].partition(b"-----END")[0]
    inside = _LINE_END.sub(b"\n", inside)
    encrypted = begin["what"].startswith(b"ENCRYPTED") or b"ENCRYPTED" in inside[:200]
    first = _FIRST_LINE.match(_HEADER.sub(b"", inside))
    if first is None:
        return None
    key = base64.b64decode(first[1][: len(first[1]) // 4 * 4])
    is_key = key[0] & 0x80 if begin["block"] else key.startswith((b"\x30", _OPENSSH))
    if not is_key and not encrypted:
        return None
    return ("encrypted-private-key" if encrypted else "private-key"), begin.start()


def putty_key_at(data: bytes, position: int) -> str | None:
    """The kind of key that PuTTY's file is whose first line stands at a position; None for other lines."""
    match = _PUTTY.match(data, position)
    if match is None:
        return None
    return "private-key" if match["how"] == b"none" else "encrypted-private-key"


def key_file(head: bytes) -> str | None:
    """The kind of file that begins so, where it is one of those that hold keys alone."""
    if head[:1] not in _FIRST_BYTES:
        return None
    return next((kind.name for kind in KEY_FILES if kind.head.match(head)), None)
