"""URLs lose what gives access, and nothing else."""

from __future__ import annotations

import json

import pytest

from bundler.rewrite.direct_url import rewrite_direct_url
from bundler.rewrite.urls import text_without_credentials, without_credentials


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://zoe:a-word@corp.net:8443/x.whl#sha256=1", "https://corp.net:8443/x.whl#sha256=1"),
        ("https://a-token@corp.net/x", "https://corp.net/x"),
        ("https://zoe:a%40b@corp.net/x", "https://corp.net/x"),
        ("https://corp.net/x?private_token=abc&ref=main", "https://corp.net/x?ref=main"),
        ("https://corp.net/x?X-Amz-Signature=abc", "https://corp.net/x"),
        ("git+https://oauth2:a-token@corp.net/x.git@main", "git+https://corp.net/x.git@main"),
    ],
)
def test_what_gives_access_goes(url: str, clean: str) -> None:
    assert without_credentials(url) == clean


@pytest.mark.parametrize(
    "url",
    [
        *("https://corp.net/x.whl", "ssh://git@corp.net/x.git", "https://${A}:${B}@corp.net/x", "https://${A}@corp.net"),
        *("https://c.net/x?tokens=5&sig", "https://corp.net/a@b", "file:///home/me/x", "https://[broken", "HTTPS://C.net/x?", ""),
    ],
)  # fmt: skip
def test_all_else_stays_to_the_letter(url: str) -> None:
    assert without_credentials(url) == url


def test_a_direct_url_changes_in_that_place_alone() -> None:
    data = b'{"url":"https://zoe:word@corp.net/x.whl","archive_info":{},\n "more": 1}'
    rewritten = rewrite_direct_url(data)
    assert rewritten is not None
    assert rewritten.data == data.replace(b"zoe:word@", b"")
    escaped = rewrite_direct_url(b'{"url": "https:\\/\\/zoe:word@corp.net\\/x.whl", "archive_info": {}}')
    assert escaped is not None
    assert json.loads(escaped.data) == {"url": "https://corp.net/x.whl", "archive_info": {}}
    assert rewrite_direct_url(b'{"url": "https://corp.net/x.whl"}') is None
    assert rewrite_direct_url(b"no JSON") is None


def test_the_urls_of_a_text_lose_their_users() -> None:
    text = b"[global]\nindex-url = https://zoe:word@corp.net/simple\nextra = https://${A}:${B}@corp.net # me@corp.net\n"
    assert text_without_credentials(text) == text.replace(b"zoe:word@", b"")
