"""What a pack learned, put into `[tool.bundler]`; the rest of the file stays as it is, byte by byte."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence

from bundler.configuration import parse_configuration
from bundler.errors import BadConfiguration
from bundler.files import replace
from bundler.machine import os


def save_learned(path: str, learned: Mapping[str, Sequence[str]]) -> list[str]:
    """Put what the lists of options do not have yet in front of them; gives a line for each list that has grown.

    What stands behind decides, where patterns contradict each other: that is the user's. Raises BadConfiguration.
    """
    place = os.path.realpath(path)
    try:
        with open(place, "rb") as file:
            found = os.fstat(file.fileno())
            text = file.read().decode()
        changed, lines = with_learned(text, learned)
        if lines:
            replace(place, changed.encode(), mode=stat.S_IMODE(found.st_mode), owner=(found.st_uid, found.st_gid))
    except (OSError, ValueError, _Unfit) as error:
        raise BadConfiguration(f"{path} cannot be changed: {error}", _by_hand(learned)) from error
    return lines


class _Unfit(Exception):
    """A file in which there is no room for what was learned."""


def with_learned(text: str, learned: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """The text of a TOML file with what was learned, and a line for each list that has grown. Raises _Unfit."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    known = parse_configuration(text) or {}
    new = {name: [item for item in items if item not in _list(known, name)] for name, items in learned.items()}
    new = {name: items for name, items in new.items() if items}
    if not new:
        return text, []
    try:
        document = tomlkit.parse(text)
        tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
        table = tool.setdefault("bundler", tomlkit.table())
        for name, items in new.items():
            array = table.setdefault(name, tomlkit.array())
            for item in reversed(items):
                array.insert(0, item)
        changed = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError, ValueError) as error:
        raise _Unfit(str(error)) from error
    wanted = {**known, **{name: [*items, *_list(known, name)] for name, items in new.items()}}
    if parse_configuration(changed) != wanted:
        raise _Unfit("what it says would change")
    return changed, [f"{name} = {items}" for name, items in new.items()]


def _list(table: Mapping[str, object], name: str) -> list[str]:
    value = table.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


def _by_hand(learned: Mapping[str, Sequence[str]]) -> str:
    lists = "; ".join(f"{name} = {list(items)}" for name, items in learned.items() if items)
    return f"put it there by hand: {lists or 'nothing was learned'}"
