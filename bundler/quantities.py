"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

_WHOLE = 1000
"""Shares are told in so many parts of a whole: tenths of a percent."""


def human_size(size: int) -> str:
    """Bytes with a decimal unit: `1.4 GB`."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def human_change(size: int) -> str:
    """The same of a difference: `+1.4 GB`, `-3 B`, `±0`."""
    return f"{'+' if size > 0 else '-'}{human_size(abs(size))}" if size else "±0"


def counted(number: int, what: str, several: str = "") -> str:
    """`1 file`, `2 files`; `several` is the plural where that is another."""
    return f"{number} {what if number == 1 else several or f'{what}s'}"


def percentages(parts: Sequence[int]) -> list[str]:
    """The share of each part in all of them, `12.5%`: rounded so that together they are 100, or all 0 where the whole is."""
    whole = sum(parts)
    if not whole:
        return ["0.0%"] * len(parts)
    exact = [divmod(part * _WHOLE, whole) for part in parts]
    tenths = [quotient for quotient, _ in exact]
    largest = sorted(range(len(parts)), key=lambda number: -exact[number][1])
    for number in largest[: _WHOLE - sum(tenths)]:
        tenths[number] += 1
    return [f"{tenth // 10}.{tenth % 10}%" for tenth in tenths]
