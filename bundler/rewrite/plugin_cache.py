"""Caches of plugins that GLib opens: gdk-pixbuf's `loaders.cache` and GTK's `immodules.cache`.

A line that is nothing but a quoted path names a plugin, lines below it tell what it can do. GLib hands the path to `dlopen`, and
glibc replaces `$ORIGIN` by the folder of the library that calls: libgmodule's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLUGIN = re.compile(rb'^"(/[^"\n]+)"(?=[ \t]*$)', re.MULTILINE)


def plugins_in(data: bytes) -> list[str]:
    """The absolute paths of the plugins that a cache names."""
    return [found[1].decode("utf-8", "surrogateescape") for found in _PLUGIN.finditer(data)]


def rewrite_plugin_cache(data: bytes, places: Mapping[str, str]) -> bytes:
    """The cache with the plugins at other places: paths from the folder of the library that opens them, by the old ones."""

    def replaced(found: re.Match[bytes]) -> bytes:
        place = places.get(found[1].decode("utf-8", "surrogateescape"))
        return found[0] if place is None else b'"$ORIGIN/' + place.encode("utf-8", "surrogateescape") + b'"'

    return _PLUGIN.sub(replaced, data)
