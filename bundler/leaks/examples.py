"""Values that stand for a credential and are none: of documentation, templates and tests."""

from __future__ import annotations

import math
import re
from collections import Counter

_LEAST_ENTROPY = 3.0
"""Bits a letter: random hexadecimal digits have 3.5 and more from 20 letters on, random letters and digits over 4."""
_LEAST_LETTERS = 6
# What people write where a secret will stand.
_WORDS = re.compile(
    rb"example|sample|dummy|fake|placeholder|change[-_]?me|replace[-_]?me|redacted|your[-_]|my[-_]?(secret|token|pass|key)"
    rb"|insert|todo|x{4}|\*{3}|\.{3}|0{6}|12345|23456|abcdef|abcd1234|qwerty|deadbeef",
    re.IGNORECASE,
)
# A whole password that is a word of manuals, or a default of everybody's.
_DEFAULTS = frozenset(
    b"admin changeit default foo foobar guest hunter2 key letmein mysql none null pass passw0rd passwd password postgres pw pwd "
    b"redis root s3cr3t secret swordfish test testing tiger token true false undefined user username value".split()
)
# What a program puts there when it runs: `{name}`, `$NAME`, `%s`, `%(name)s`, `<name>`, a call.
_FILLED_IN_LATER = re.compile(rb"[{}<>$()`\[\]]|%[sdr(]|\\|\+")


def entropy(value: bytes) -> float:
    """Shannon's entropy in bits a byte; 0 for nothing."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def is_made_up(value: bytes) -> bool:
    """Whether what has the form of a token was written by a person, as an example: real ones are random."""
    return _WORDS.search(value) is not None or entropy(value) < _LEAST_ENTROPY


def is_placeholder(password: bytes, user: bytes = b"") -> bool:
    """Whether a password stands for one that a program or a person puts there, or is nobody's secret."""
    return is_default(password, user) or _FILLED_IN_LATER.search(password) is not None


def is_default(password: bytes, user: bytes = b"") -> bool:
    """Whether a password is a word of manuals, a default of everybody's, or repeats the user's name."""
    word = password.lower()
    return (
        len(word) < _LEAST_LETTERS
        or word in _DEFAULTS
        or word == user.lower()
        or len(set(word)) < 3
        or _WORDS.search(word) is not None
    )
