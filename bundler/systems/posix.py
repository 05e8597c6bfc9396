"""What Linux and macOS share: the layout of a plain installation, and those doors of a system that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bundler.bundle_paths import lies_in
from bundler.machine import os
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.system import Activation, PythonNames

POSIX_ACTIVATION = Activation(
    names=("activate", "activate.csh", "activate.fish", "activate.nu", "activate.ps1", "activate.xsh"),
    scripts="bin",
    python="bin/python",
    folders=("bin",),
)


def posix_scheme(python: PythonNames) -> BundleScheme:
    """The scheme of a bundle with `bin`, `lib` and `include`; a framework's library lies at the top."""
    name = python.python_name
    stdlib = f"{python.platlibdir}/{name}"
    framework = (python.framework,) if python.framework else ()
    return BundleScheme(
        executable=f"bin/{name}",
        stdlib=stdlib,
        dynload=f"{stdlib}/lib-dynload",
        stdlib_zip=f"{python.platlibdir}/{name.replace('.', '')}.zip",
        site_packages=f"lib/{name}/site-packages",
        system_site=f"lib/{name}/system-site",
        include=f"include/{os.path.basename(python.include)}",
        scripts="bin",
        libraries="lib",
        bundled="lib/bundled",
        share="share",
        libpython=(*framework, *(f"lib/{library}" for library in python.library_names)),
    )


def posix_aliases(python: PythonNames) -> tuple[str, ...]:
    """The names under which a person starts an interpreter, but for the one that the scheme has for its file."""
    short = python.short_version
    names = dict.fromkeys(["python", "python3", f"python{short}", f"python{short}{python.abiflags}"])
    return tuple(name for name in names if name != python.python_name)


def is_of_python(path: str, scheme: BundleScheme) -> bool:
    """Whether Python's own `make install` puts files to a bundle path."""
    folder, _, name = path.rpartition("/")
    if lies_in(path, scheme.stdlib):
        return not any(scheme.is_package_folder(above) for above in (path, *_above(path, scheme.stdlib)))
    if lies_in(path, scheme.include) or path.startswith((f"{scheme.libraries}/tcl", f"{scheme.libraries}/tk")):
        return True
    beginnings = {
        scheme.scripts: ("python", "idle", "pydoc", "2to3"),
        scheme.libraries: ("libpython",),
        f"{scheme.libraries}/pkgconfig": ("python",),
        f"{scheme.share}/man/man1": ("python",),
    }
    return name.startswith(beginnings.get(folder, ())) if folder in beginnings else False


def _above(path: str, top: str) -> list[str]:
    """The folders above a path, below `top`."""
    found = []
    folder = os.path.dirname(path)
    while lies_in(folder, top) and folder != top:
        found.append(folder)
        folder = os.path.dirname(folder)
    return found


class Posix:
    """See `systems.system.System`."""

    configured_by_pyvenv_cfg = True
    searches_above = True
    script_heads: tuple[bytes, ...] = ()
    activation = POSIX_ACTIVATION
    start_name = "start"
    program_suffixes: tuple[str, ...] = ()
    separator = "/"
    base_packages = None
    has_shell = True
    started_suffixes = None

    def scheme(self, python: PythonNames) -> BundleScheme:
        """That of a plain installation; a framework's library lies at the top."""
        return posix_scheme(python)

    def sysroot(self, given: Sysroot) -> Sysroot:
        """Names are paths."""
        return given

    def function_script(self, module: str, function: str, options: Sequence[str]) -> None:
        """None: see `plan.application`."""
        return

    def command_script(self, program: str, arguments: Sequence[str], options: Sequence[str] | None) -> None:
        """None: see `plan.application`."""
        return

    def relocate_script(
        self, path: str, data: bytes, scheme: BundleScheme, file_of: Callable[[str], bytes | None]
    ) -> None:
        """None: see `rewrite.scripts`."""
        return

    def is_of_python(self, path: str, scheme: BundleScheme) -> bool:
        """By the folders of `make install`."""
        return is_of_python(path, scheme)

    def spelled(self, name: str) -> str:
        """As it is."""
        return name

    def python_aliases(self, python: PythonNames) -> tuple[str, ...]:
        """All that are usual."""
        return posix_aliases(python)

    def isolation(self, python: PythonNames) -> None:
        """None: its scripts do that."""
        return
