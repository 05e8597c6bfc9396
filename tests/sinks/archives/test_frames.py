"""Where a plan is cut: at the same places, whatever changes elsewhere in it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bundler.entries import Entry, Layer, Source
from bundler.sinks.archives.frames import LARGE, MOST, PIECE, FrameCutter, LargeFile, PieceStream, pieces

Cuts = list[tuple[str, ...]]


def file(path: str, size: int) -> Entry:
    return Entry(path, Source(f"/source/{path}", size), 0o644, 0, Layer.PACKAGES, "env")


def environment(seed: int) -> list[Entry]:
    """Some hundred distributions of all sizes, a few with large libraries. In path order."""
    chance = random.Random(seed)
    files = {}
    for number in range(80):
        folder = f"lib/python3.11/site-packages/package{number}"
        for module in range(chance.choice((1, 5, 30, 300))):
            inner = chance.choice(("", "", "core/", "tests/data/"))
            files[f"{folder}/{inner}m{module}.py"] = int(chance.lognormvariate(9, 1.5)) % LARGE
        if chance.random() < 0.1:
            files[f"{folder}/_native.so"] = chance.randrange(LARGE, 5 * PIECE)
    return [file(path, size) for path, size in sorted(files.items())]


def cuts(entries: Sequence[Entry]) -> Cuts:
    cutter = FrameCutter()
    found = [frame for entry in entries for frame in cutter.add(entry)]
    found += cutter.rest()
    return [
        (frame.entry.path,) if isinstance(frame, LargeFile) else tuple(entry.path for entry in frame.entries)
        for frame in found
    ]


def test_every_entry_comes_once_and_in_order() -> None:
    entries = environment(1)
    assert [path for frame in cuts(entries) for path in frame] == [entry.path for entry in entries]


def test_frames_are_neither_too_large_nor_too_many() -> None:
    entries = environment(2)
    sizes = {entry.path: entry.content.size for entry in entries if isinstance(entry.content, Source)}
    found = cuts(entries)
    assert all(sum(sizes[path] for path in frame) <= MOST for frame in found if len(frame) > 1)
    total = sum(size for size in sizes.values() if size < LARGE)
    large = sum(size >= LARGE for size in sizes.values())
    assert len(found) < 3 * total / MOST + 2 * large + 2


def test_a_local_change_moves_no_other_cut() -> None:
    entries = environment(3)
    before = set(cuts(entries))
    chance = random.Random(4)
    for _ in range(10):
        number = chance.randrange(1, len(entries))
        path = entries[number].path
        without = [*entries[:number], *entries[number + 1 :]]
        grown = [*entries[:number], file(path, chance.randrange(LARGE)), *entries[number + 1 :]]
        added = [*entries[:number], file(f"{path}c", 5000), *entries[number:]]
        for changed in (without, grown, sorted(added)):
            new = [frame for frame in cuts(changed) if frame not in before]
            assert len(new) <= 4, path


def test_a_large_file_is_cut_into_pieces_of_one_size() -> None:
    sent: list[tuple[range, bytes]] = []
    stream = PieceStream(lambda part, data: sent.append((part, bytes(data))), b"head")
    data = random.Random(5).randbytes(1 << 20) * 17
    for start in range(0, len(data), 300_000):
        stream.write(data[start : start + 300_000])
    stream.end()
    assert [part for part, _ in sent] == list(pieces(4 + len(data)))
    assert b"".join(piece for _, piece in sent) == b"head" + data
    assert {len(part) for part, _ in sent[:-1]} == {PIECE}
