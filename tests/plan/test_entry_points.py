"""A start function is missed only where the module's source surely does not bind it."""

from __future__ import annotations

import warnings

import pytest

from bundler.entries import Link
from bundler.plan.entry_points import lacks, nearest
from tests.plan.made_up import entry


@pytest.mark.parametrize(
    "text",
    [
        "def main(): pass",
        "async def main(): pass",
        "class main: pass",
        "main = print",
        "first, (main, *rest) = things",
        "main: object = print",
        "from app.cli import main",
        "from app.cli import run as main",
        "import main",
        "import main.core",
        "if x:\n    pass\nelse:\n    try:\n        main = 1\n    except ImportError:\n        pass",
        "for main in things: pass",
        "with open(x) as main: pass",
        "if (main := make()): pass",
        "def make():\n    global main\n    main = 1",
        "match x:\n    case {'a': main}: pass",
        pytest.param("from app import *", id="a star"),
        pytest.param("def __getattr__(name): return print", id="PEP 562"),
        pytest.param("__getattr__, __all__ = attach(__name__)", id="a lazy loader"),
        pytest.param("globals()['main'] = print", id="globals"),
        pytest.param("import sys\nsetattr(sys.modules[__name__], 'main', print)", id="setattr"),
        pytest.param("exec(source)", id="exec"),
        pytest.param("def main(:", id="another version's syntax"),
        pytest.param("\0", id="no source"),
    ],
)
def test_in_every_doubt_it_is_there(text: str) -> None:
    assert not lacks(entry("lib/app.py", text), "main")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def mian(): pass",
        "class Site:\n    def main(self): pass",
        "def make():\n    main = 1\n    from app import main",
        "main()",
        "import app.main",
        "'''main = 1'''",
    ],
)
def test_what_is_nowhere_bound_is_not_there(text: str) -> None:
    assert lacks(entry("lib/app.py", text), "main")


def test_what_is_no_source_is_not_looked_into() -> None:
    assert not lacks(entry("lib/app.py", Link("other.py")), "main")
    assert not lacks(entry("lib/app.so", "def other(): pass"), "main")


def test_the_nearest_name_is_told_and_the_author_s_warnings_are_not() -> None:
    made = entry("lib/app.py", "def mian(): return '\\d'\ndef other(): pass\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nearest(made, "main") == "mian"
        assert nearest(made, "zzz") == ""
