"""Text that embeds a path: one module an artefact. Bytes in, value out; nothing here touches a file system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rewritten:
    """New content, and a short reason without any path in it, for `bundle.json`."""

    data: bytes
    reason: str
