"""`direct_url.json`: what was installed from a local place, and what is an editable install."""

from __future__ import annotations

import json

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


SHA, COMMIT = "a" * 64, "b" * 40


@pytest.mark.parametrize(
    ("info", "sha256", "commit"),
    [
        ({"archive_info": {"hashes": {"sha256": SHA}}}, SHA, ""),
        ({"archive_info": {"hash": f"sha256={SHA}"}}, SHA, ""),
        ({"archive_info": {"hash": f"md5={SHA}"}}, "", ""),
        ({"archive_info": {"hashes": {"sha256": 3}}}, "", ""),
        ({"archive_info": {"hashes": {"sha512": SHA * 2}}}, "", ""),
        ({"archive_info": []}, "", ""),
        ({"vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}}, "", COMMIT),
        ({"vcs_info": {"vcs": "hg", "commit_id": COMMIT}}, "", ""),
        ({"vcs_info": {"vcs": "git", "commit_id": "main"}}, "", ""),
    ],
)
def test_the_digest_that_an_installer_noted_is_read(info: dict[str, object], sha256: str, commit: str) -> None:
    found = parse_direct_url(json.dumps({"url": "https://example.org/x.whl", **info}).encode())
    assert (found.sha256, found.commit) == (sha256, commit)
