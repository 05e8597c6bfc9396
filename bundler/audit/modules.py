"""Which modules of a bundle are extension modules, by the names under which Python imports them."""

from __future__ import annotations

from bundler.audit.tree import BundleTree


def extension_modules(tree: BundleTree) -> dict[str, list[str]]:
    """Module names by batch: a top-level package each, and one batch for the standard library's own (``).

    What came after the pack is left out: whether it works is its installer's business.
    """
    python = tree.manifest.python
    suffixes = sorted(python.extension_suffixes or (".so",), key=len, reverse=True)
    folders = [(f"{python.stdlib}/lib-dynload/", True), *((f"{folder}/", False) for folder in python.site_packages)]
    batches: dict[str, list[str]] = {}
    for path in sorted(tree.files):
        suffix = next((suffix for suffix in suffixes if path.endswith(suffix)), None)
        folder = next(((folder, own) for folder, own in folders if path.startswith(folder)), None)
        if suffix is None or folder is None or not tree.is_as_packed(path):
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
