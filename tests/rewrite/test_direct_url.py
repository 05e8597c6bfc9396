"""`direct_url.json`: what was installed from a local place, and what is an editable install."""

from __future__ import annotations

import pytest

from bundler.rewrite.direct_url import DirectUrl, parse_direct_url


@pytest.mark.parametrize(
    ("data", "url"),
    [
        (b'{"url": "file:///src/x", "dir_info": {"editable": true}}', DirectUrl("file:///src/x", editable=True)),
        (b'{"url": "file:///src/x", "dir_info": {}}', DirectUrl("file:///src/x")),
        (b'{"url": "https://example.org/x.whl"}', DirectUrl("https://example.org/x.whl")),
        (b'{"url": 3, "dir_info": "editable"}', DirectUrl()),
        (b"[]", DirectUrl()),
        (b"not json", DirectUrl()),
    ],
)
def test_the_url_and_whether_it_is_an_editable_are_read(data: bytes, url: DirectUrl) -> None:
    assert parse_direct_url(data) == url


def test_a_file_url_is_a_local_path() -> None:
    assert DirectUrl("FILE:///src/a%20b%C3%A9").local_path == "/src/a b\u00e9"
    assert not DirectUrl("https://example.org/x.whl").is_local
    assert DirectUrl("file:///C:/a%20b").local_path == "C:/a b"
    assert DirectUrl("https://example.org/x.whl").local_path is None
    assert not DirectUrl().is_local
