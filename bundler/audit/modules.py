"""Which modules of a bundle are to be imported, by the names under which Python imports them."""

from __future__ import annotations

from bundler.audit.contents import came_later
from bundler.audit.tree import BundleTree

_INSTALLERS = ("pip", "setuptools", "pkg_resources", "wheel", "uv")
"""What they open they need on Windows, or to look at the host."""


def extension_modules(tree: BundleTree) -> dict[str, list[str]]:
    """Module names by batch: a top-level package each, and one batch for the standard library's own (``).

    What came after the pack is left out: whether it works is its installer's business.
    """
    python = tree.manifest.python
    suffixes = sorted(python.extension_suffixes or (".so",), key=len, reverse=True)
    folders = [(f"{python.scheme.dynload}/", True), *((f"{folder}/", False) for folder in python.site_packages)]
    batches: dict[str, list[str]] = {}
    for path in sorted(tree.files):
        suffix = next((suffix for suffix in suffixes if path.endswith(suffix)), None)
        folder = next(((folder, own) for folder, own in folders if path.startswith(folder)), None)
        if suffix is None or folder is None or came_later(tree, path):
            continue
        parts = path[len(folder[0]) : -len(suffix)].split("/")
        if not all(part.isidentifier() for part in parts):
            continue
        if suffix == ".so" and not tree.files[path].defines_module:
            continue  # any library may have the plain suffix
        if parts[-1] == "__init__":
            del parts[-1]  # a compiled package; under the file's own name it would be made a second time
        if parts:
            batches.setdefault("" if folder[1] else parts[0], []).append(".".join(parts))
    return batches


def opening_packages(tree: BundleTree) -> list[str]:
    """Top-level packages and modules that may open a library by name (ctypes, cffi), in Python code of theirs."""
    names = set()
    for path, seen in tree.files.items():
        folder = next((folder for folder in tree.manifest.python.site_packages if path.startswith(folder + "/")), None)
        if not seen.opens_libraries or folder is None or came_later(tree, path):
            continue
        name = path[len(folder) + 1 :].partition("/")[0].removesuffix(".py")
        if name.isidentifier() and name not in _INSTALLERS:
            names.add(name)
    return sorted(names)
