"""`pyvenv.cfg`: what Python, uv and editors read of an environment (reference: interpreters 2.6)."""

from __future__ import annotations

from collections.abc import Mapping


def parse(text: str) -> Mapping[str, str]:
    """Keys, in lower case, with their values; lines without `=` are skipped, as `site` does."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key.strip().lower()] = value.strip()
    return found


def pyvenv_cfg(
    version: str, prompt: str | None, bundler: str, *, isolated: bool = False, native: bool = False
) -> bytes:
    """The file of a bundle. `version` is `X.Y.Z`, `bundler` the version of bundler.

    There is no `home`, which would name a place. Without `include-system-site-packages = false` both uv and `site` assume true,
    and with it the user's own site-packages stay out. `relocatable` makes uv write scripts that move.
    `python-version` (PEP 838) lets a tool refuse another Python.
    `isolated` and `launcher` (for `native`) are bundler's own: how `bundler fix` is to write scripts.
    """
    lines = [
        "include-system-site-packages = false",
        "implementation = CPython",
        f"version = {version}",
        f"version_info = {version}",
        f"python-version = {'.'.join(version.split('.')[:2])}",
        "relocatable = true",
        *([f"prompt = {prompt}"] if prompt else []),
        f"bundler = {bundler}",
        *(["isolated = true"] if isolated else []),
        *(["launcher = native"] if native else []),
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
