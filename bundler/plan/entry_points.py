"""Whether a module has the function that a start command names, as far as its source tells; nothing of it is run."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from bundler.entries import Entry, Literal, Source
from bundler.files import opened
from bundler.parsing import parse_python

# Words in a module's source by which it may bind names that no statement of it shows.
_HIDDEN = frozenset(
    {
        "__dict__",
        "__getattr__",
        "_convert_",
        "eval",
        "exec",
        "global_enum",
        "globals",
        "locals",
        "modules",
        "setattr",
        "vars",
    }
)


def lacks(entry: Entry, name: str) -> bool:
    """Whether the module in `entry` surely binds no such name at its top level.

    False in every doubt: an extension, a syntax that this Python does not know, `import *`, names bound by a function.
    """
    bound = _bound_names(entry)
    return bound is not None and name not in bound


def nearest(entry: Entry, name: str) -> str:
    """The name at the module's top level that is most like `name`; "" where none is."""
    near = difflib.get_close_matches(name, sorted(_bound_names(entry) or ()), 1)
    return near[0] if near else ""


def _bound_names(entry: Entry) -> frozenset[str] | None:
    """The names that a module's statements bind outside of its functions and classes; None where others may be."""
    tree = _parsed(entry)
    if tree is None:
        return None
    for node in ast.walk(tree):
        word = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            word = node.name
        if word in _HIDDEN or (isinstance(node, ast.ImportFrom) and node.names[0].name == "*"):
            return None
    declared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return frozenset({*declared, *_bound_by(tree)})


def _parsed(entry: Entry) -> ast.Module | None:
    if not entry.path.endswith(".py"):
        return None
    match entry.content:
        case Literal(data):
            pass
        case Source(path, _):
            with opened(path) as file:
                data = file.read()
        case _:
            return None
    try:
        return parse_python(data)
    except ValueError:
        return None


def _bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds, and those within it but for the bodies of functions and classes."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Lambda():
                continue
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
        yield from _bound_by(child)
