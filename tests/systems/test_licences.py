"""Strong copyleft is told before a bundle is shipped."""

from __future__ import annotations

import pytest

from bundler.systems.licences import copyleft_licence


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("libreadline.so.8", "GPL-3.0-or-later"),
        ("libreadline.so.8.2", "GPL-3.0-or-later"),
        ("libhistory.so.8", "GPL-3.0-or-later"),
        ("libgdbm.so.6", "GPL-3.0-or-later"),
        ("libgdbm_compat.so.4", "GPL-3.0-or-later"),
        ("libdb-6.2.so", "AGPL-3.0"),
        ("libdb-5.3.so", None),
        ("libedit.so.2", None),
        ("libz.so.1", None),
        ("libreadline", None),
    ],
)
def test_strong_copyleft_is_known_by_name(name: str, licence: str | None) -> None:
    assert copyleft_licence(name) == licence
