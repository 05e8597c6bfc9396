"""Where a path leads through the symbolic links of a bundle: pure text, no file system is asked."""

from __future__ import annotations

from collections.abc import Mapping

_MOST_LINKS = 40  # the kernel's own limit, MAXSYMLINKS


def follow(path: str, links: Mapping[str, str]) -> str | None:
    """The bundle path behind all links of a bundle path; None where it leads out of the bundle or in a circle.

    `links` are targets, as written, by bundle path. The root itself is "". What is not in the bundle stays as it is.
    """
    done: list[str] = []
    left = path.split("/")[::-1]
    steps = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                return None
            done.pop()
            continue
        target = links.get("/".join((*done, part)))
        if target is None:
            done.append(part)
            continue
        steps += 1
        if target.startswith("/") or steps > _MOST_LINKS:
            return None
        left += target.split("/")[::-1]
    return "/".join(done)
