"""Archives of frames: every decoder reads them, the seek table is the published one, and the index is found behind them."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
import zstandard

from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD, FrameCodec, maker
from bundler.sinks.archives.frame_index import Frame, FrameIndex, digest_of, pack_index, unpack_index
from tests.material.programs import need
from tests.sinks.samples import sample, write

CODECS = pytest.mark.parametrize("codec", [GZIP, ZSTANDARD], ids=lambda codec: codec.name)
DECODERS = [
    ("tar.gz", "gzip -dc"),
    ("tar.gz", "pigz -dc"),
    ("tar.gz", "busybox gunzip -c"),
    ("tar.zst", "zstd -qdc"),
]


def stream(codec: FrameCodec, parts: list[bytes]) -> bytes:
    """A stream of these frames, with their index."""
    packed = [codec.compress(part, 1) for part in parts]
    frames = [
        Frame(digest_of(part), digest_of(data), len(data), len(part), codec.check(part, data))
        for part, data in zip(parts, packed, strict=True)
    ]
    index = pack_index(FrameIndex(maker(codec, 1), frames[:-1]))
    return codec.head + b"".join(packed[:-1]) + codec.tail(frames[:-1], index, frames[-1], packed[-1])


@pytest.mark.parametrize(("name", "how"), DECODERS)
def test_every_decoder_gives_the_plain_archive_and_nothing_more(tmp_path: Path, name: str, how: str) -> None:
    program, *words = how.split()
    need(program)
    archive = write(name, tmp_path / f"a.{name}", sample(tmp_path))
    plain = write("tar", tmp_path / "a.tar", sample(tmp_path)).read_bytes()
    done = subprocess.run([program, *words, str(archive)], check=True, capture_output=True)
    assert done.stdout == plain
    assert not done.stderr


@CODECS
def test_python_reads_a_stream_and_the_index_is_found_in_it(tmp_path: Path, codec: FrameCodec) -> None:
    """The index of 4,000 frames is larger than what one extra field of gzip holds."""
    parts = [b"frame %d " % number * 3 for number in range(4000)]
    data = stream(codec, parts)
    if codec is GZIP:
        assert gzip.decompress(data) == b"".join(parts)
    else:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            assert reader.read() == b"".join(parts)
    file = tmp_path / "stream"
    file.write_bytes(b"before" + data + b"behind")
    with file.open("rb") as opened:
        found = codec.find_index(opened.fileno(), 6, 6 + len(data))
        assert found is not None
        index = unpack_index(found.index)
        assert [frame.key for frame in index.frames] == [digest_of(part) for part in parts[:-1]]
        first = os.pread(opened.fileno(), index.frames[0].size, found.start)
        assert digest_of(first) == index.frames[0].digest
        for start, end in ((6, len(data) + 5), (0, 6), (6, 30), (len(data), len(data) + 6)):
            assert codec.find_index(opened.fileno(), start, end) is None
    with pytest.raises(ValueError, match="damaged"):
        unpack_index(found.index[:-40] + b"x" + found.index[-39:])


def test_any_frame_is_found_by_the_seek_table_alone() -> None:
    """As zstd's contrib/seekable_format has it."""
    parts = [b"a" * 100_000, b"b" * 5, os.urandom(3000), b"end"]
    data = stream(ZSTANDARD, parts)
    count, flags, magic = struct.unpack("<IBI", data[-9:])
    assert (flags, magic) == (0x80, 0x8F92EAB1)
    table = data[-9 - 12 * count : -9]
    assert struct.unpack("<II", data[-9 - len(table) - 8 :][:8]) == (0x184D2A5E, len(table) + 9)
    at, found = 0, []
    for size, plain, checksum in struct.iter_unpack("<III", table):
        frame = data[at : at + size]
        at += size
        if plain:
            found.append(zstandard.ZstdDecompressor().decompress(frame))
            assert checksum == int.from_bytes(frame[-4:], "little"), "the frame's own, of its content"
            assert len(found[-1]) == plain
        else:
            assert frame.startswith(struct.pack("<I", 0x184D2A5B))
    assert at == len(data) - len(table) - 9 - 8
    assert found == parts


def test_gzip_s_bytes_are_one_member_with_all_content() -> None:
    """Who reads the first member only has everything."""
    parts = [b"one" * 1000, b"two" * 1000, b"three"]
    data = stream(GZIP, parts)
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(data) == b"".join(parts)
    assert reader.eof
    assert gzip.decompress(reader.unused_data) == b""
