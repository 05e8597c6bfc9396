"""Pages of the site that are files of the repository, as README.md is: each is shown where its page stands."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "index": "README.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "findings": "findings/README.md",
}
"""By page: the file, from the repository's root, whose text comes before the page's own."""
_PAGES = {file: f"{page}.md" for page, file in FILES.items()}
_LINK = re.compile(r"\]\((?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def show_files(app: Sphinx, docname: str, source: list[str]) -> None:
    """Rewrite the text of one page, `source`: with the file's that it shows, and links of both as the site has them."""
    folder = posixpath.join("docs", posixpath.dirname(docname))
    text = _with_links(source[0], folder, folder)
    if docname in FILES:
        file = ROOT / FILES[docname]
        app.env.note_dependency(str(file))
        text = f"{_with_links(file.read_text(encoding='utf-8'), posixpath.dirname(FILES[docname]), folder)}\n{text}"
    source[0] = text


def _with_links(text: str, written_in: str, shown_in: str) -> str:
    """A text whose relative links count from one folder of the repository, for another one. Links to FILES lead to their pages."""

    def link(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(written_in, found["path"]))
        path = posixpath.join("docs", _PAGES[path]) if path in _PAGES else path
        return f"]({posixpath.relpath(path, shown_in)}{found['anchor'] or ''})"

    return _LINK.sub(link, text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", show_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
