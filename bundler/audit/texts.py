"""Text of a bundle that must not name a place: `pyvenv.cfg`, `.pth` and `.start` files."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.platforms import OperatingSystem
from bundler.rewrite.installers import is_editable_hook
from bundler.rewrite.pth import ImportLine, PathLine, has_imports, parse_pth
from bundler.rewrite.pyvenv_cfg import parse
from bundler.rewrite.start import FIRST_VERSION, EntryPoint, parse_start
from bundler.sysroot import HOST
from bundler.systems import system_of

_CONFIGURATION_TO_DO = (
    "a bundle's own says include-system-site-packages = false and has no home: mend these lines, or pack again"
)


def audit_texts(tree: BundleTree) -> Iterator[Fault]:
    """Faults of texts that the manifest knows; those that an installer wrote later are its own business."""
    yield from _configuration(tree)
    for path in sorted(tree.files.keys() & tree.manifest.files.keys()):
        if path.endswith((".pth", ".start")) and os.path.dirname(path) in tree.manifest.python.site_packages:
            for what in leading_out(tree, path):
                hint = "install what lies there into the environment and pack again, or remove the line"
                yield Fault(FaultKind.CONFIGURATION, path, what, hint)


def _configuration(tree: BundleTree) -> Iterator[Fault]:
    seen = tree.files.get("pyvenv.cfg")
    if seen is None and not system_of(OperatingSystem(tree.manifest.system)).configured_by_pyvenv_cfg:
        return
    if seen is None or seen.text is None:
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", "is no file", _CONFIGURATION_TO_DO)
        return
    config = parse(seen.text.decode("utf-8", "surrogateescape"))
    if "home" in config:
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", f"names a home: {config['home']}", _CONFIGURATION_TO_DO)
    if config.get("include-system-site-packages", "").lower() != "false":
        message = "does not say include-system-site-packages = false"
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", message, _CONFIGURATION_TO_DO)


def leading_out(tree: BundleTree, path: str) -> Iterator[str]:
    """What a `.pth` or `.start` file (a bundle path, in a folder of packages) does at each start that leads out of the bundle."""
    folder = os.path.dirname(path)
    data = tree.files[path].text or b""
    if path.endswith(".start"):
        for entry_point in _entry_points(tree, data):
            if _is_hook(tree, folder, entry_point.module):
                yield f"calls the import hook of an editable install: {entry_point.text}"
        return
    system = system_of(OperatingSystem(tree.manifest.system))
    is_name = system.sysroot(HOST).is_name
    for line in parse_pth(data):
        match line:
            case PathLine(text):
                path = text.replace(system.separator, "/")
                place = os.path.normpath(os.path.join(tree.path(folder), path))
                if path.startswith("/") or is_name(text) or not (place + "/").startswith(tree.root + "/"):
                    yield f"puts {text} on sys.path"
            case ImportLine() if _is_hook(tree, folder, line.module):
                yield f"imports the import hook of an editable install: {line.module}"


def runs_code(tree: BundleTree, path: str) -> bool:
    """Whether a `.pth` or `.start` file has lines that Python runs at each start."""
    data = tree.files[path].text or b""
    return bool(_entry_points(tree, data)) if path.endswith(".start") else has_imports(data)


def _entry_points(tree: BundleTree, data: bytes) -> list[EntryPoint]:
    """The entry points of a `.start` file; none where the version of Python reads no such file."""
    return parse_start(data) if tree.manifest.python.release >= FIRST_VERSION else []


def _is_hook(tree: BundleTree, folder: str, module: str) -> bool:
    return is_editable_hook(module) and f"{folder}/{module}.py" in tree.files
