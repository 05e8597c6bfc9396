"""Looks at the site that `scripts/docs` made: links lead to pages and anchors that are there, and nothing is loaded from elsewhere.

    python -m scripts.check_site FOLDER

Sphinx warns of links in Markdown that lead nowhere; this reads what came out, with what the theme and the reference wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

_LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
_STATED = ("canonical", "license", "author", "help")
"""Relations of `link` that a browser does not follow by itself."""


@dataclass
class Page(HTMLParser):
    """What a page has: anchors, links, and addresses that a browser loads when it shows the page."""

    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element says."""
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a":
            if "name" in values:
                self.ids.add(values["name"])
            if "href" in values:
                self.links.add(values["href"])
        name = _LOADING.get(tag, "")
        if name in values and values.get("rel") not in _STATED:
            self.loaded.add(values[name])


def read_site(folder: Path) -> dict[str, Page]:
    """Each page by its path in the site; what lies in folders such as `_static` is none."""
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        if any(part.startswith("_") for part in path.relative_to(folder).parts):
            continue
        page = pages[path.relative_to(folder).as_posix()] = Page()
        page.feed(path.read_text(encoding="utf-8"))
    return pages


def faults_of(folder: Path) -> Iterator[str]:
    """What is wrong, a line each."""
    pages = read_site(folder)
    if "index.html" not in pages:
        yield f"{folder} has no index.html"
    for path, page in pages.items():
        for address in sorted(page.loaded):
            if _leads_out(address):
                yield f"{path} loads {address}"
            elif (fault := _fault_of_link(folder, pages, path, address)) is not None:
                yield fault
        for address in sorted(page.links):
            if not _leads_out(address) and (fault := _fault_of_link(folder, pages, path, address)) is not None:
                yield fault


def _leads_out(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc)


def _fault_of_link(folder: Path, pages: dict[str, Page], path: str, address: str) -> str | None:
    if address in ("", "#"):
        return None
    parts = urlsplit(urljoin(f"/{path}", address))
    target = unquote(parts.path).lstrip("/")
    if not (folder / target).is_file():
        return f"{path} leads to {address}: there is no {target}"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].ids:
        return f"{path} leads to {address}: {target} has no such anchor"
    return None


def main() -> int:
    """Print what is wrong; 1 where anything is."""
    faults = list(faults_of(Path(sys.argv[1])))
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
