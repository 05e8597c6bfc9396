"""What an editable install brings: from where it points, or out of a wheel that its project's back end builds."""

from __future__ import annotations

from bundler.bundle_paths import relative
from bundler.environment import Environment
from bundler.errors import UnsupportedEditable
from bundler.machine import os
from bundler.options import EditableMode
from bundler.plan.editables.found import Editable, EditablePart, EggLink, Hook, SearchPath
from bundler.plan.editables.hooks import read_hook
from bundler.plan.editables.mapping import EditableFiles
from bundler.plan.editables.paths import read_egg_link, read_path, read_whole_path
from bundler.plan.settings import PlanSettings


def files_of(editable: Editable, site_packages: str, environment: Environment, settings: PlanSettings) -> EditableFiles:
    """The files of one editable install, counted from `site_packages` (the bundle path of its package folder).

    With `--editable build` the back end runs, in the workspace of the settings. Raises UnsupportedEditable.
    """
    if settings.content.editable is EditableMode.BUILD:
        return _build(editable, site_packages, environment, settings)
    several = [_read(part, editable, site_packages, environment) for part in editable.parts]
    return EditableFiles(several[0].back_end, tuple(mapping for files in several for mapping in files.mappings))


def _build(editable: Editable, site_packages: str, environment: Environment, settings: PlanSettings) -> EditableFiles:
    if editable.project is None:
        raise UnsupportedEditable(
            f"{editable.name}: nothing in the environment says where the project is",
            "install it again, or pack with --editable copy",
        )
    from bundler.plan.editables.building import Builder

    builder = Builder(
        python=environment.python,
        folder=settings.workspace.builds,
        network=settings.content.build_network,
        to_root=relative("", site_packages),
    )
    return builder.build(editable.name, editable.project)


def _read(part: EditablePart, editable: Editable, site_packages: str, environment: Environment) -> EditableFiles:
    """The files that one part of an editable points to."""
    suffixes = environment.interpreter.extension_suffixes
    match part:
        case Hook(path):
            files = read_hook(path, suffixes, environment.sysroot)
            if files is None:
                raise UnsupportedEditable(
                    f"{editable.name} is an editable through an import hook of a kind that bundler does not know ({path})",
                    "pack with --editable build, or install it as a wheel before packing",
                )
            return files
        case EggLink(_, folder):
            to_scripts = relative(environment.scheme.scripts, site_packages)
            scripts = os.path.normpath(os.path.join(editable.folder, to_scripts))
            return read_egg_link(editable.name, folder, scripts, to_scripts, suffixes)
        case SearchPath(folder) if editable.distribution is None:
            return read_whole_path(folder, suffixes)
        case SearchPath(folder):
            hooked = any(isinstance(part, Hook) for part in editable.parts)
            return read_path(editable.name, folder, suffixes, may_be_empty=hooked)
