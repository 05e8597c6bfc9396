"""Editable installs made real: what they reach outside of the environment is taken into site-packages.

`found` tells which there are; `reading` says what each brings, by its kind (`hooks`, `meson`, `paths`) or by running its back end
(`building`); `planning` turns that into mounts.
"""

from bundler.plan.editables.planning import Editables, plan_editables, without_editables

__all__ = ["Editables", "plan_editables", "without_editables"]
