"""How a patcher checks what it made: claims about the new file, each of which must hold."""

from __future__ import annotations


class ViolatedError(Exception):
    """A claim about a patched file that does not hold."""


def require(holds: bool, claim: str) -> None:
    """Raise ViolatedError with the claim where it does not hold."""
    if not holds:
        raise ViolatedError(f"not true: {claim}")
