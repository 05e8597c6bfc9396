"""How Sphinx makes a site of these pages (`scripts/docs`). Neither making it nor reading it asks for a network."""

from __future__ import annotations

import sys
from pathlib import Path

from bundler.version import VERSION

sys.path.insert(0, str(Path(__file__).resolve().parent / "extensions"))

project = "bundler"
copyright = "the bundler maintainers"
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "command_line", "docstrings", "repository_files"]
exclude_patterns = ["extensions"]
source_suffix = {".md": "markdown"}

# Pages are read on their own, too: plain Markdown, whose links and anchors are those of GitHub.
myst_heading_anchors = 4
myst_enable_extensions = ["alert"]
highlight_language = "none"  # for blocks that name none
smartquotes = False  # `--option` stays two hyphens
default_role = "code"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = f"bundler {VERSION}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "show_nav_level": 1,
}
html_sidebars: dict[str, list[str]] = {"index": [], "tutorial": [], "limits": []}
