"""Lists what errors and faults say, as the code has it: `-m scripts.list_errors` puts that into docs/errors.md.

A message is taken from the source of the call that makes it; an ellipsis is what is known only when it is raised. Messages that
come whole from elsewhere (another error's, a variable) have no text of their own and are left out.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/errors.md"
GAP = "…"
FAULT_KIND = re.compile(r"FaultKind\.([A-Z_]+)")
LIST = re.compile(r"(<!-- (\w+): all -->\n).*?(<!-- end -->)", re.DOTALL)


class Message(NamedTuple):
    """What an error says: the name of its class or of its kind of fault, the text, the hint ("" for none that is known)."""

    of: str
    text: str
    hint: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the whole text looks like when it is raised."""
        return re.compile(".*".join(map(re.escape, self.text.split(GAP))), re.DOTALL)


Names = dict[str, list[ast.expr]]


def _calls(block: list[ast.stmt], names: Names) -> Iterator[tuple[ast.Call, Names]]:
    """Each call of a block, and what the names may be then. `names` is changed to what they may be behind the block."""
    for statement in block:
        inner = [value for _, value in ast.iter_fields(statement) if isinstance(value, list)]
        blocks = [value for value in inner if value and isinstance(value[0], ast.stmt)]
        handlers = [
            part.body for value in inner for part in value if isinstance(part, ast.ExceptHandler | ast.match_case)
        ]
        if not blocks and not handlers:
            yield from ((node, names) for node in ast.walk(statement) if isinstance(node, ast.Call))
            _assign(statement, names)
            continue
        for child in ast.iter_child_nodes(statement):
            if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                yield from ((node, names) for node in ast.walk(child) if isinstance(node, ast.Call))
        ends = []
        for branch in [*blocks, *handlers]:
            ends.append(dict(names))
            yield from _calls(branch, ends[-1])
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for name in {name for end in ends for name in end}:
                values = [value for end in [*ends, names] for value in end.get(name, ())]
                names[name] = list({id(value): value for value in values}.values())


def _assign(statement: ast.stmt, names: Names) -> None:
    """Set the names that a statement sets."""
    if not isinstance(statement, ast.Assign):
        return
    for target in statement.targets:
        pairs = [(target, statement.value)]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            pairs = list(zip(target.elts, statement.value.elts, strict=False))
        for name, value in pairs:
            if isinstance(name, ast.Name):
                names[name.id] = [value]


def _texts(node: ast.expr, local: Names) -> list[str]:
    """Every text that an expression may be, with ellipses; none where nothing of it is written there."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, local), *_texts(node.orelse, local)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_texts(side, local) or [GAP] for side in (node.left, node.right))
        return [one + other for one in left for other in right]
    if isinstance(node, ast.Name):
        return [text for value in local.get(node.id, ()) for text in _texts(value, {})]
    return []


@functools.cache
def _trees() -> list[ast.Module]:
    """Every module of bundler."""
    return [ast.parse(path.read_text()) for path in sorted(ROOT.glob("bundler/**/*.py"))]


@functools.cache
def error_classes() -> frozenset[str]:
    """The names of all classes of errors."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in _trees()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    found = {"BundlerError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset(found)


@functools.cache
def messages() -> list[Message]:
    """All, in the order of their names and texts, each once."""
    classes = error_classes()
    found = set()
    for tree in _trees():
        for call, local in _calls(tree.body, {}):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in classes and call.args:
                of, said = name, call.args[:2]
            elif name == "Fault" and len(call.args) == 4 and (kind := FAULT_KIND.match(ast.unparse(call.args[0]))):
                of, said = kind[1], call.args[2:]
            else:
                continue
            hints = _texts(said[1], local) if len(said) > 1 else []
            texts = [text for text in _texts(said[0], local) if text.strip(f"{GAP}:;, ")]
            if len(hints) == len(texts):
                found |= {Message(of, text, hint) for text, hint in zip(texts, hints, strict=True)}
            else:
                found |= {Message(of, text, " / ".join(hints)) for text in texts}
    return sorted(found)


def table(of: str, known: list[Message]) -> str:
    """The rows of one class or kind, in Markdown."""

    def cell(text: str) -> str:
        return re.sub(r"([|<>*_`\\])", r"\\\1", " ".join(text.split()))

    rows = [f"| {cell(message.text)} | {cell(message.hint)} |\n" for message in known if message.of == of]
    return "| it says | what to do |\n|---|---|\n" + "".join(rows) if rows else ""


def with_lists(page: str) -> str:
    """The page with its lists as the code has them now."""
    known = messages()
    return LIST.sub(lambda found: f"{found[1]}{table(found[2], known)}{found[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text()))
