"""One kit for all graphs of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plan.binaries.linux.kit import Kit, open_kit, open_musl_kit


@pytest.fixture(scope="session")
def kit() -> Iterator[Kit]:
    yield from open_kit()


@pytest.fixture(scope="session")
def musl_kit() -> Iterator[Kit]:
    yield from open_musl_kit()
