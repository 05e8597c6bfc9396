"""Libtool's descriptions of modules lead to the module beside them."""

from __future__ import annotations

from bundler.rewrite.libtool import rewrite_libtool_description

DESCRIPTION = b"""# png.la - a libtool library file
dlname='png.so'
installed=yes
libdir='/usr/lib/x86_64-linux-gnu/ImageMagick-6.9.11/modules-Q16/coders'
"""


def test_the_folder_of_the_source_is_gone_and_nothing_else() -> None:
    new = rewrite_libtool_description(DESCRIPTION)
    assert new == DESCRIPTION.replace(b"/usr/lib/x86_64-linux-gnu/ImageMagick-6.9.11/modules-Q16/coders", b"")
    assert rewrite_libtool_description(new) == new
