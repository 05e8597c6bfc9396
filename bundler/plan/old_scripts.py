"""Scripts that find their distribution by `pkg_resources`, in an environment that has no such module."""

from __future__ import annotations

import re

from bundler.entries import Source
from bundler.files import opened
from bundler.plan.overlay import Entries
from bundler.scheme import BundleScheme

_READ = 4096  # bytes; what setuptools before 44 or so wrote is shorter
_IMPORT = re.compile(rb"^(?:from|import) pkg_resources\b", re.MULTILINE)  # one that stands in a `try` has a way without


def check_old_scripts(entries: Entries, whole: Entries, scheme: BundleScheme) -> list[str]:
    """A warning that names the scripts which import a `pkg_resources` that is not there: setuptools has none since version 82.

    They fail in the source as well, and nothing else would tell: a script is not run to try it. `whole` is what the environment
    has, `entries` what comes along of it.
    """
    names = ("pkg_resources/__init__.py", "pkg_resources.py")
    if any(path.endswith(names) and scheme.is_package_folder(_folder(path, names)) for path in whole):
        return []
    old = [path for path in sorted(entries) if scheme.is_script(path) and _imports_pkg_resources(entries, path)]
    if not old:
        return []
    number = "imports" if len(old) == 1 else "import"
    return [
        f"{', '.join(old)} {number} pkg_resources, which the environment lacks (setuptools has none since version 82): the source "
        "fails there as well; install what brought the script again, or setuptools<82"
    ]


def _folder(path: str, names: tuple[str, ...]) -> str:
    """What stands before one of `names`, with which the path ends."""
    return next(path.removesuffix("/" + name) for name in names if path.endswith("/" + name))


def _imports_pkg_resources(entries: Entries, path: str) -> bool:
    content = entries[path].content
    if not isinstance(content, Source):
        return False
    with opened(content.path) as file:
        head = file.read(_READ)
    return head.startswith(b"#!") and _IMPORT.search(head) is not None
