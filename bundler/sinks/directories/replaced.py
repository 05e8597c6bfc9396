"""What a whole pack with `--force` replaces: a bundle, and nothing that somebody else put into it or made of it."""

from __future__ import annotations

from bundler.machine import os
from bundler.output_facts import DirectoryFacts
from bundler.sinks.directories.existing import ExistingBundle, refuse_to_lose
from bundler.sinks.placement import Target
from bundler.sinks.temporary import prefix_of


class ReplacedBundle:
    """The bundle at a target, if there is one: looked at before the pack, and once more when the new one takes its place."""

    def __init__(self, target: Target, facts: DirectoryFacts, *, cache: bool) -> None:
        """Raises OutputExists for what no pack put there or left so; NotABundle, UnsupportedBundle where nobody can tell."""
        self._target = target
        self._found: ExistingBundle | None = None
        path = target.path
        if os.path.isdir(path) and not os.path.islink(path) and os.listdir(path):
            self._found = ExistingBundle(path, facts, cache=cache)
            refuse_to_lose(self._found, self._found.foreign())

    def check(self) -> None:
        """Look once more. Raises OutputExists."""
        self._target.check_standing()
        if self._found is not None and os.path.isdir(self._target.path):
            ours = prefix_of(self._target.path)  # where it is a mount point
            changed = [path for path in self._found.changed_since() if not path.startswith(ours)]
            refuse_to_lose(self._found, changed)
