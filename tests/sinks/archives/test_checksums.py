"""CRCs of parts make up that of the whole."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from bundler.sinks.archives.checksums import combined


@given(st.lists(st.binary(max_size=3000), max_size=6))
def test_checksums_of_parts_give_the_one_that_zlib_computes(parts: list[bytes]) -> None:
    whole = 0
    for part in parts:
        whole = combined(whole, zlib.crc32(part), len(part))
    assert whole == zlib.crc32(b"".join(parts))
