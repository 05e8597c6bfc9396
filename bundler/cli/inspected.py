"""What `bundler inspect` and `bundler diff` show, as tables, trees and lines (`drawing`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.cli.drawing import Branch, Column, Drawn, Sheet
from bundler.quantities import counted, human_size

if TYPE_CHECKING:
    from bundler.contents.sizes import Portion, Sizes
    from bundler.contents.why import Cause
    from bundler.manifest import ChangedFile

_SHOWN = 30
_ALIKE = 3
"""From so many branches on, those that say the same are told by the first of them."""


def shown_sizes(sizes: Sizes, *, verbose: bool) -> Iterator[Drawn]:
    """What makes a bundle large; the smaller ones in one row, unless `verbose`."""
    yield f"{sizes.name}: {human_size(sizes.size)} in {counted(sizes.files, 'file')} and {counted(sizes.links, 'link')}"
    yield _sheet("by distribution", sizes.parts, sizes, verbose=verbose)
    yield _sheet("by kind", sizes.kinds, sizes, verbose=True)


def _sheet(title: str, portions: Sequence[Portion], sizes: Sizes, *, verbose: bool) -> Sheet:
    shown = portions if verbose or len(portions) <= _SHOWN + 1 else portions[:_SHOWN]
    rows = [_row(portion) for portion in shown]
    if rest := portions[len(shown) :]:
        tenths = sum(round(float(portion.share.rstrip("%")) * 10) for portion in rest)
        share, size = f"{tenths / 10:.1f}%", sum(portion.size for portion in rest)
        files = sum(portion.files for portion in rest)
        rows.append((human_size(size), share, str(files), f"{len(rest)} smaller ones (-v lists them)", ""))
    total = (human_size(sizes.size), "100.0%" if sizes.size else "0.0%", str(sizes.files), "together", "")
    has_kinds = any(portion.kinds for portion in portions)
    columns = (
        Column("size", is_number=True),
        Column("share", is_number=True, style="dim"),
        Column("files", is_number=True, style="dim"),
        Column("", style="bold"),
        Column("mostly" if has_kinds else "", style="dim"),
    )
    count = 5 if has_kinds else 4
    return Sheet(title, columns[:count], tuple(row[:count] for row in rows), total[:count])


def _row(portion: Portion) -> tuple[str, ...]:
    kinds = ", ".join(f"{kind} {human_size(size)}" for kind, size in [*portion.kinds.items()][:2])
    return (
        human_size(portion.size),
        portion.share,
        str(portion.files),
        f"{portion.name} {portion.version}".strip(),
        kinds,
    )


def shown_causes(causes: Sequence[Cause], *, verbose: bool) -> Iterator[Drawn]:
    """Who needs it, up to what a person installed; of what says the same the first, unless `verbose`."""
    for cause in causes:
        yield _branch(cause, verbose=verbose, facts=cause.facts)


def _branch(cause: Cause, *, verbose: bool, facts: tuple[str, ...] = ()) -> Branch:
    below = tuple(_branches(cause.causes, verbose=verbose))
    if not below and not cause.is_told and not cause.is_requested:
        below = (Branch(_END[cause.what], style="dim"),) if cause.what in _END else ()
    notes = [cause.what, *([cause.how] if cause.how else []), *facts]
    notes += ["installed by name"] if cause.is_requested else []
    notes += ["see above"] if cause.is_told else []
    return Branch(cause.name, "; ".join(notes), _STYLES.get(cause.what, ""), below)


_STYLES = {"distribution": "bold green", "shared library": "cyan", "extension module": "yellow", "program": "magenta"}
_END = {"distribution": "nothing in the bundle requires it", "shared library": "no file of the bundle names it"}


def _branches(causes: Sequence[Cause], *, verbose: bool) -> Iterator[Branch]:
    groups: dict[tuple[str, str, tuple[str, ...]], list[Cause]] = {}
    for cause in causes:
        groups.setdefault((cause.what, cause.how, tuple(each.name for each in cause.causes)), []).append(cause)
    for (what, _, _), group in groups.items():
        shown = group if verbose or len(group) <= _ALIKE else group[:1]
        for number, cause in enumerate(shown):
            branch = _branch(cause, verbose=verbose)
            if number == 0 and len(shown) < len(group):
                more = counted(len(group) - 1, f"more {what}", _several(what))
                branch = Branch(f"{branch.text} and {more}", branch.note, branch.style, branch.branches)
            yield branch


def _several(what: str) -> str:
    return f"more {what[:-1]}ies" if what.endswith("y") else f"more {what}s"


def shown_changes(changed: Sequence[ChangedFile]) -> Iterator[Drawn]:
    """The files that a pack changed, by reason."""
    yield counted(len(changed), "changed file")
    reasons: dict[str, list[ChangedFile]] = {}
    for item in changed:
        reasons.setdefault(item.reason, []).append(item)
    for reason, items in sorted(reasons.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        yield Branch(reason, counted(len(items), "file"), "bold", tuple(Branch(item.path) for item in items))


def fact_lines(facts: Mapping[str, object]) -> Iterator[str]:
    """The same as `shown_facts`, as lines: `name: value`, and of a list how many there are, and each below."""
    for name, value in facts.items():
        if isinstance(value, list):
            yield f"{name}: {len(value)}"
            yield from (f"  {item}" for item in value)
        else:
            yield f"{name}: {_shown(value)}"


def shown_facts(facts: Mapping[str, object]) -> Iterator[Drawn]:
    """Facts of an environment or one binary, each with its name."""
    yield _fact_sheet([(name, _shown(value)) for name, value in facts.items() if not isinstance(value, list)])
    yield from (_list(name, value) for name, value in facts.items() if isinstance(value, list) and value)


def shown_bundle(facts: Mapping[str, object]) -> Iterator[Drawn]:
    """Facts of a bundle: what it is and needs, then what is in it."""
    told = {"kind", "bundler", "python", "machine", "size", "files", "links", "changed"}
    told |= {name for name in facts if name.startswith("floor_")}
    size, changed = int(str(facts["size"])), int(str(facts["changed"]))
    holds = f"{human_size(size)} in {counted(int(str(facts['files'])), 'file')} and {counted(int(str(facts['links'])), 'link')}"
    rows = [
        ("python", f"{facts['python']} for {facts['machine']}"),
        ("bundler", _shown(facts["bundler"])),
        ("holds", holds),
    ]
    rows += [("changed", f"{counted(changed, 'file')} (--changed tells which, and why)")] if changed else []
    if "floor_of" in facts:
        system = str(facts["floor_of"])
        told.add(system.lower())
        floor = f"{system} {facts[system.lower()]} or later ({facts['floor_symbol']} in {facts['floor_file']})"
        rows.insert(1, ("needs", floor))
    rows += [(name, _shown(value)) for name, value in facts.items() if name not in told and not isinstance(value, list)]
    yield _fact_sheet(rows)
    yield from (_list(name, value) for name, value in facts.items() if isinstance(value, list) and value)
    yield "--size tells what makes it large, --why NAME who needs a library, a file or a distribution"


def _fact_sheet(rows: Sequence[tuple[str, str]]) -> Sheet:
    columns = (Column("", style="bold"), Column(""))
    return Sheet("", columns, tuple((name.replace("_", " "), text) for name, text in rows))


def _list(name: str, values: Sequence[object]) -> Branch:
    branches = tuple(Branch(str(value)) for value in values)
    return Branch(name.replace("_", " "), str(len(values)), "bold", branches)


def _shown(value: object) -> str:
    return "none" if value in (None, "") else str(value)
