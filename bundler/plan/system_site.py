"""Packages of the base that an environment uses beside its own (`include-system-site-packages = true`).

They lie in folders of their own, behind the environment's: two versions of one package must not mix. A `.pth` file, from 3.15 on a
`.start` file, the last by its name, puts them on the path where `site` would have put them, and its `addsitedir` reads the `.pth`
files in them.
"""

from __future__ import annotations

from dataclasses import replace

from bundler.entries import Entry, Layer, Literal
from bundler.environment import Environment
from bundler.environment.distributions import find_distributions
from bundler.machine import os
from bundler.machine.failing import is_dir
from bundler.plan.bases.parts import base_origin
from bundler.plan.mounts import Mount
from bundler.plan.origins import BUNDLER
from bundler.rewrite.start import start_file
from bundler.rewrite.templates import read_template
from bundler.systems import system_of

_FILE = "~system-site"
_MODULE = "_bundler_system_site"


def uses_system_site(environment: Environment) -> bool:
    """Whether `pyvenv.cfg` says that the base's packages are used."""
    return environment.config.get("include-system-site-packages", "").lower() == "true"


def system_site_folders(environment: Environment) -> tuple[str, ...]:
    """The base's package folders that exist, in the order in which `site` puts them on the path.

    CPython's Lib/site.py, getsitepackages; Debian's and Fedora's patches of it. The user's own folder is not among them.
    """
    interpreter, sysroot = environment.interpreter, environment.sysroot
    prefix, name, lib = interpreter.base_prefix.rstrip("/"), interpreter.python_name, interpreter.platlibdir
    own = system_of(environment.platform.system).base_packages
    if own is not None:
        folders = [*own]
    elif interpreter.dist_packages:
        folders = [f"local/lib/{name}/dist-packages", "lib/python3/dist-packages", f"lib/{name}/dist-packages"]
    else:
        folders = [f"{folder}/{name}/site-packages" for folder in dict.fromkeys((lib, "lib"))]
        if prefix.endswith("/usr") or not prefix:
            folders = [*(f"local/{folder}" for folder in folders), *folders]
    found = (sysroot.real(os.path.join(prefix, folder)) for folder in folders)
    return tuple(dict.fromkeys(folder for folder in found if is_dir(folder)))


def with_system_site(environment: Environment) -> Environment:
    """The environment with the base's package folders and distributions behind its own."""
    folders = tuple(folder for folder in system_site_folders(environment) if folder not in environment.site_packages)
    return replace(
        environment,
        site_packages=(*environment.site_packages, *folders),
        distributions=(*environment.distributions, *find_distributions(folders, environment.sysroot)),
    )


def system_site_mounts(environment: Environment) -> tuple[Mount, ...]:
    """Each folder of the base's packages, at a place of its own below the standard library's."""
    interpreter = environment.interpreter
    return tuple(
        Mount(folder, path, base_origin(interpreter, folder), Layer.PACKAGES)
        for folder, path in zip(system_site_folders(environment), system_site_paths(environment), strict=True)
    )


def system_site_paths(environment: Environment) -> tuple[str, ...]:
    """The bundle paths of the base's package folders, in order."""
    count = len(system_site_folders(environment))
    return tuple(environment.scheme.system_site_packages(number) for number in range(1, count + 1))


def system_site_entries(environment: Environment) -> tuple[Entry, ...]:
    """What puts the folders on the path: a `.pth` file (its line sees its own names only outside of inner scopes), or `.start`."""
    interpreter, scheme = environment.interpreter, environment.scheme
    folders = "".join(f'"/{path}", ' for path in system_site_paths(environment)).strip()
    time = os.stat(interpreter.executable).st_mtime_ns

    def entry(path: str, data: bytes, layer: Layer) -> Entry:
        return Entry(path, Literal(data), 0o644, time, layer, BUNDLER)

    def template(name: str) -> bytes:
        return read_template(name).replace("@FOLDERS@", folders).encode()

    file = f"{scheme.site_packages}/{_FILE}"
    if interpreter.reads_start_files:
        module = entry(f"{scheme.stdlib}/{_MODULE}.py", template("system_site_start"), Layer.RUNTIME)
        return (entry(f"{file}.start", start_file(_MODULE), Layer.PACKAGES), module)
    return (entry(f"{file}.pth", template("system_site.pth"), Layer.PACKAGES),)
