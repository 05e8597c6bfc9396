"""What lies over the base: the environment's own folder, without what only ties it to its base."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bundler.entries import Layer
from bundler.environment import Environment, EnvironmentKind
from bundler.machine import os
from bundler.plan.mounts import Mount
from bundler.plan.origins import ENVIRONMENT
from bundler.prefixes import is_shared_prefix
from bundler.rewrite.installers import ENVIRONMENT_FILES, Meaning, is_makers_script
from bundler.systems import system_of


def environment_mounts(environment: Environment, left_behind: Collection[str], *, in_place: bool) -> Iterator[Mount]:
    """What lies in the environment's own folder, but for the interpreter and what ties it to its base.

    `left_behind` are bundle paths of what else stays out.
    """
    root = environment.root
    skip = {file.name for file in ENVIRONMENT_FILES if file.meaning is Meaning.TIE or not in_place}
    if os.path.islink(os.path.join(root, "lib64")):
        skip.add("lib64")
    sysroot = environment.sysroot
    for name in sysroot.names_in(os.path.join(root, environment.scheme.scripts)):
        if is_makers_script(name):
            skip.add(environment.scheme.script(name))
    skip.add(f"{environment.scheme.stdlib}/EXTERNALLY-MANAGED")
    if environment.kind is EnvironmentKind.VENV:
        skip.add(environment.scheme.stdlib_zip)  # Python looks for its own at the base
    if environment.interpreter.framework:  # a seal over files that change
        skip |= {"_CodeSignature", "Resources/Python.app/Contents/_CodeSignature"}
    if _is_shared(environment):
        yield from _owned(environment, frozenset(skip))
        return
    yield from _spelled(environment, frozenset((*skip, *left_behind)))


def _spelled(environment: Environment, skip: frozenset[str]) -> Iterator[Mount]:
    """The whole folder; by its parts where the system spells some of their names otherwise."""
    root, spelled = environment.root, system_of(environment.platform.system).spelled
    names = environment.sysroot.names_in(root)
    if all(spelled(name) == name for name in names):
        yield Mount(root, "", ENVIRONMENT, Layer.PACKAGES, skip)
        return
    for name in names:
        path = spelled(name)
        if path not in skip:
            below = frozenset(each[len(path) + 1 :] for each in skip if each.startswith(f"{path}/"))
            yield Mount(os.path.join(root, name), path, ENVIRONMENT + name, Layer.PACKAGES, below)


def unlisted(environment: Environment) -> tuple[str, ...]:
    """Warnings of distributions that may have files outside of their package folder which nothing lists, where a list decides."""
    if not _is_shared(environment):
        return ()
    return tuple(
        f"{os.path.basename(distribution.metadata)} lists no files: those outside of its package folder stay behind"
        for distribution in environment.distributions
        if not distribution.files.is_there
    )


def _is_shared(environment: Environment) -> bool:
    """Whether other software lies beside the packages: then only what distributions list as theirs comes along."""
    root = environment.sysroot.name_of(environment.sysroot.real(environment.root))
    return environment.kind is EnvironmentKind.INSTALLATION and is_shared_prefix(root)


def _owned(environment: Environment, skip: frozenset[str]) -> Iterator[Mount]:
    """From a prefix that other software shares: the packages, and the files outside that they list as theirs."""
    root = environment.sysroot.real(environment.root)
    for folder in environment.site_packages:
        below = os.path.relpath(folder, root)
        yield Mount(folder, below, ENVIRONMENT + below, Layer.PACKAGES)
    for distribution in environment.distributions:
        for path in distribution.files.paths:
            below = os.path.relpath(path, root)
            outside = not path.startswith(distribution.folder + "/") and not below.startswith("..")
            if outside and below not in skip and os.path.lexists(path):
                yield Mount(path, below, ENVIRONMENT + below, Layer.PACKAGES)
