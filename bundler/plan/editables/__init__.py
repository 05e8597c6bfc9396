"""Editable installs made real: what they reach outside of the environment is taken into site-packages.

`found` reads what is there, with a reader for each kind (`hooks`, `meson`, `paths`); `building` runs a back end instead; `making`
turns either into mounts.
"""

from bundler.plan.editables.making import Editables, plan_editables

__all__ = ["Editables", "plan_editables"]
