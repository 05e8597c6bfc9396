"""`Contents` to the bytes of the page: a template, the scripts and the style beside it, the data, and a policy that bars all else.

All parts are in the one file, and the policy names each script and the style by its digest: neither what a bundle's names hold nor
anything else that came into the page can run, and nothing can be fetched or sent.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from bundler.contents import Contents
from bundler.page.embedded import embedded_json
from bundler.page.numbering import Numbering
from bundler.page.summary import summary_of
from bundler.printable import printable
from bundler.quantities import human_size
from bundler.version import VERSION

_SCRIPTS = ("bundle", "elements", "tables", "sizes", "graph", "details", "search", "sections", "page")
"""In the order in which they need each other."""
_MOST_ROWS = 200
"""So many files a list of the page itself names: of more of them its scripts tell."""
_CHARTS = "charts/echarts.js"


def render(contents: Contents) -> bytes:
    """The page: UTF-8, the same for the same contents."""
    numbering = Numbering(contents)
    scripts = [_read(_CHARTS), *(_read(f"scripts/{name}.js") for name in _SCRIPTS)]
    style = _read("page.css")
    environment = Environment(
        loader=FunctionLoader(lambda name: _read(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = human_size
    environment.globals["most"] = _MOST_ROWS
    page = environment.get_template("page.html.jinja").render(
        bundle=summary_of(contents, numbering),
        data=Markup(embedded_json(contents, numbering)),
        policy=_policy(scripts, style),
        scripts=[Markup(script) for script in scripts],
        style=Markup(style),
        charts_licence=escape(_read("charts/LICENCES.txt")),
        version=VERSION,
    )
    return page.encode("utf-8")


def _read(name: str) -> str:
    """The text of a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(scripts: list[str], style: str) -> str:
    """A Content-Security-Policy (W3C, level 3) by which these scripts and this style run, and nothing is loaded."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            f"style-src {_digest(style)}",
            "img-src data:",  # the icon, which is empty: without one, browsers ask a server for it
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types default",
        )
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shown(value: object) -> object:
    """A text of anybody's without what steers the direction of writing, and with escapes for what is no UTF-8."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
