"""Caches of plugins name them by paths from the folder of the library that opens them."""

from __future__ import annotations

from bundler.rewrite.plugin_cache import plugins_in, rewrite_plugin_cache

CACHE = b"""# Created by gdk-pixbuf-query-loaders
#
# ModulesPath = /usr/lib/loaders
"/usr/lib/loaders/libsvg.so"
"svg" 6 "gdk-pixbuf" "Scalable Vector Graphics" "LGPL"
"/usr/share/locale" ""
" <svg" "*    " 100

"/usr/lib/immodules/im-xim.so" \n"xim" "X Input Method" "gtk30" "/usr/share/locale" "ko:ja"
"""


def test_a_line_with_a_path_alone_names_a_plugin() -> None:
    assert plugins_in(CACHE) == ["/usr/lib/loaders/libsvg.so", "/usr/lib/immodules/im-xim.so"]


def test_what_came_along_is_named_from_the_library_and_the_rest_stays() -> None:
    new = rewrite_plugin_cache(CACHE, {"/usr/lib/loaders/libsvg.so": "gdk-pixbuf/libsvg.so"})
    assert new == CACHE.replace(b'"/usr/lib/loaders/libsvg.so"', b'"$ORIGIN/gdk-pixbuf/libsvg.so"')
    assert plugins_in(new) == ["/usr/lib/immodules/im-xim.so"]
