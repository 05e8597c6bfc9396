"""A project on a made-up machine, of which its environment has an editable install."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bundler.entries import Layer
from bundler.options import ContentOptions, EditableMode
from bundler.plan.editables import Editables, plan_editables
from bundler.plan.settings import PlanSettings
from tests.plan.made_up import SITE, Machine

HOOK = "__editable___app_finder"
FINDER = (
    "MAPPING: dict[str, str] = {'app': '<src>/app', 'single': '<src>/single'}\nNAMESPACES: dict[str, list[str]] = {}\n"
)


@dataclass
class Project:
    """A project in `src/`, of which the environment of a machine has an editable install."""

    machine: Machine

    def __post_init__(self) -> None:
        for path in ("app/__init__.py", "app/data.txt", "single.py", "tests/test_app.py"):
            self.machine.put(f"src/{path}")
        self.machine.put("src/pyproject.toml", '[project]\nname = "app"\n')

    @property
    def folder(self) -> str:
        return f"{self.machine.folder}/src"

    def write(self, files: dict[str, str]) -> None:
        """Write files into the package folder; `<src>` in a text is the project's folder."""
        for name, text in files.items():
            self.machine.put(f"env/{SITE}/{name}", text.replace("<src>", self.folder))

    def install(self, files: dict[str, str]) -> None:
        """Write files into the package folder, and metadata whose RECORD lists them."""
        self.write(files)
        url = json.dumps({"url": f"file://{self.folder}", "dir_info": {"editable": True}})
        self.machine.install("app", *(f"{name},," for name in files), direct_url__json=url)

    def plan(self, mode: EditableMode = EditableMode.COPY, *, allow_incomplete: bool = False) -> Editables:
        settings = PlanSettings(content=ContentOptions(editable=mode, allow_incomplete=allow_incomplete))
        return plan_editables(self.machine.environment, self.machine.mounts, settings)

    def brought(self, found: Editables) -> dict[str, str]:
        """What comes from the project, counted from its folder, by the path in the package folder."""
        assert all(mount.layer is Layer.APPLICATION for mount in found.mounts)
        return {
            mount.path.removeprefix(f"{SITE}/"): mount.source.removeprefix(f"{self.folder}/") for mount in found.mounts
        }
