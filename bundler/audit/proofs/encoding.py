"""Import proofs as bytes: JSON, in which each path and name stands once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from bundler.audit.observation import Batch, EntryPoint, Finder, InstalledDistribution, LeftBy, Observation
from bundler.audit.proofs.proof import ImportProof

_LEVEL = 1


def encoded(proofs: Iterable[ImportProof]) -> bytes:
    """The proofs, compressed."""
    words = _Words()
    rows = [_row(proof, words) for proof in proofs]
    return zlib.compress(json.dumps([words.all, rows], separators=(",", ":")).encode(), _LEVEL)


def decoded(data: bytes) -> list[ImportProof]:
    """What `encoded` made. Raises ValueError, or what comes of a value of another shape, for anything else."""
    try:
        words, rows = json.loads(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    return [_proof(row, words) for row in rows]


class _Words:
    """Texts by number."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        if text not in self._numbers:
            self._numbers[text] = len(self.all)
            self.all.append(text)
        return self._numbers[text]

    def numbers(self, texts: Iterable[str]) -> list[int]:
        """The numbers of several, in their order."""
        return [self.number(text) for text in texts]


def _row(proof: ImportProof, words: _Words) -> list[Any]:
    batch = proof.batch
    return [
        [batch.name, words.numbers(batch.modules), batch.metadata, batch.together],
        _observation_row(proof.source, words),
        _observation_row(proof.bundle, words),
        [[words.number(part), words.number(digest)] for part, digest in sorted(proof.parts.items())],
        proof.files,
        dict(proof.left),
    ]


def _proof(row: Sequence[Any], words: Sequence[str]) -> ImportProof:
    (name, modules, metadata, together), source, bundle, parts, files, left = row
    return ImportProof(
        Batch(name, tuple(words[number] for number in modules), metadata, together),
        _observation(name, source, words),
        _observation(name, bundle, words),
        {words[part]: words[digest] for part, digest in parts},
        files,
        left,
    )


def _observation_row(seen: Observation, words: _Words) -> list[Any]:
    return [
        dict(seen.failed),
        words.numbers(seen.search_path),
        [[words.number(name), words.number(file)] for name, file in seen.modules.items()],
        None if seen.libraries is None else words.numbers(sorted(seen.libraries)),
        words.numbers(sorted(seen.opened)),
        [[kind, words.numbers(paths)] for kind, paths in seen.finders],
        sorted(seen.distributions),
        sorted(seen.entry_points),
        words.numbers(sorted(seen.asked)),
        words.numbers(sorted(seen.metadata)),
        words.numbers(sorted(seen.listed)),
        words.numbers(sorted(seen.programs)),
        seen.broken,
        {name: who.value for name, who in seen.needing.items()},
    ]


def _observation(batch: str, row: Sequence[Any], words: Sequence[str]) -> Observation:
    (
        failed,
        path,
        modules,
        libraries,
        opened,
        finders,
        distributions,
        points,
        asked,
        metadata,
        listed,
        programs,
        broken,
        needing,
    ) = row

    def texts(numbers: Iterable[int]) -> frozenset[str]:
        return frozenset(words[number] for number in numbers)

    return Observation(
        batch,
        failed,
        tuple(words[number] for number in path),
        {words[name]: words[file] for name, file in modules},
        None if libraries is None else texts(libraries),
        texts(opened),
        tuple(Finder(kind, tuple(words[number] for number in paths)) for kind, paths in finders),
        frozenset(InstalledDistribution(*pair) for pair in distributions),
        frozenset(EntryPoint(*point) for point in points),
        texts(asked),
        texts(metadata),
        texts(listed),
        programs=texts(programs),
        broken=broken,
        needing={name: LeftBy(who) for name, who in needing.items()},
    )
