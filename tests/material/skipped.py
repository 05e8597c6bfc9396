"""Why tests were skipped, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

_WIDEST = 110
"""Characters of a reason: some have what a program said in them."""


def skip_reasons(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> Counter[str]:
    """How many of these reports of skipped tests give each reason."""
    return Counter(_reason(report) for report in reports)


def table(reasons: Mapping[str, int]) -> list[str]:
    """A line for each reason, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"{count:6}  {reason}" for reason, count in ordered]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where = report.longrepr
    said = where[2] if isinstance(where, tuple) else str(where)
    words = " ".join(said.removeprefix("Skipped: ").split())
    return words if len(words) <= _WIDEST else f"{words[: _WIDEST - 1]}…"
