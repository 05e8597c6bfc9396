"""Mend a bundle into which an installer wrote scripts: they name the place where the bundle was then.

pip writes the path of its interpreter into each script. What `pack` does for an environment's scripts is done here for those of a
bundle, in place, each file by a rename; RECORD follows. What moves already stays as it is.
"""

from __future__ import annotations

import glob
import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.binaries.elf.launchers import Launcher
from bundler.bundle_paths import BundleRoot, lies_in, relative
from bundler.entries import Digest
from bundler.environment.unpacked import no_bundle
from bundler.errors import NotABundle, OutputFailed
from bundler.files import MOST_OF_A_MANIFEST, MOST_OF_A_SCRIPT, opened, read_regular, replace
from bundler.keywords import StrPath
from bundler.machine import os
from bundler.manifest import Manifest, read_manifest
from bundler.option_kinds import path_of, switch_of
from bundler.options import Launcher as Wanted
from bundler.platforms import machine_named
from bundler.rewrite.native_scripts import NativeStart
from bundler.rewrite.pyvenv_cfg import parse
from bundler.rewrite.record import parse_record, path_of_row, rewrite_record
from bundler.rewrite.scripts import rewrite_script, side_file_path
from bundler.rewrite.shell_scripts import NotRewritten, is_shell_script, rewrite_shell_script
from bundler.scheme import BundleScheme
from bundler.systems import System, system_named


@dataclass(frozen=True, slots=True)
class FixReport:
    """What was mended (bundle paths, each with the reason), and what could not be."""

    bundle: str
    scripts: Mapping[str, str]
    records: tuple[str, ...]
    left: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """The former name of `to_dict`."""
        return self.to_dict()

    def to_dict(self) -> dict[str, object]:
        """What `--json` prints, ready for `json.dumps`."""
        return {
            "bundle": self.bundle,
            "scripts": dict(self.scripts),
            "records": list(self.records),
            "left": dict(self.left),
        }

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield from (f"{path}: {reason}" for path, reason in self.scripts.items())
        yield from (f"warning: {path} {reason}" for path, reason in self.left.items())
        if not self.scripts:
            yield f"{self.bundle}: every script moves already"


@dataclass(frozen=True, slots=True)
class _Bundle:
    """The bundle: its folder (absolute), its layout, the rules of its system, and how its scripts shall be."""

    root: str
    scheme: BundleScheme
    system: System
    isolated: bool
    """Whether they leave out what the user set for Python."""
    launcher: Launcher | None
    """What starts them in place of a shell."""

    def file(self, path: str) -> bytes | None:
        """What lies at a bundle path; None where there is no file."""
        try:
            return read_regular(os.path.join(self.root, path), MOST_OF_A_SCRIPT)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None


@dataclass
class _Changes:
    """New contents by bundle path, and what there is to say of them."""

    files: dict[str, bytes] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    """Side files, by the script that they belong to."""
    scripts: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def fix(bundle: StrPath, *, dry_run: bool = False) -> FixReport:
    """Make the scripts of a bundle (a directory) relocatable; with `dry_run` only tell.

    Scripts in `bin` mean the bundle's Python, whatever place their first line names: it may be one before a move. Those among
    the packages mean it where they name it. Raises NotABundle, UnsupportedBundle, OutputFailed; BadOption for a wrong argument.
    """
    bundle, dry_run = path_of("bundle", bundle), switch_of("dry_run", dry_run)
    root = os.path.abspath(bundle)
    try:
        manifest = read_manifest(read_regular(os.path.join(root, "bundle.json"), MOST_OF_A_MANIFEST))
    except OSError as error:
        raise no_bundle(bundle) from error
    _refuse_outside(root, manifest.leading_out())
    changes, python = _Changes(), manifest.python
    there = _bundle(root, manifest)
    for path in _scripts(there, python.site_packages):
        _look_at(there, path, changes)
    records = _records(root, python.site_packages, changes)
    _refuse_outside(root, {**changes.files, **records})
    if not dry_run:
        for path, data in {**changes.files, **records}.items():
            _replace(root, path, data)
    return FixReport(bundle, changes.scripts, tuple(records), changes.left)


def _refuse_outside(root: str, paths: Iterable[str]) -> None:
    """Raise NotABundle for a path that leads out of the bundle, by its text or through a link to a folder."""
    real = os.path.realpath(root)
    for path in paths:
        if not lies_in(os.path.realpath(os.path.dirname(os.path.join(root, path))), real):
            raise NotABundle(
                f"{path} leads out of {root}: nothing is written there",
                "take the bundle again from where it came from, or pack again",
            )


def _bundle(root: str, manifest: Manifest) -> _Bundle:
    """The bundle in a folder, with what its `pyvenv.cfg` says of scripts."""
    system, config, machine = system_named(manifest.system), _configuration(root), machine_named(manifest.machine)
    launcher = None
    if config.get("launcher") == Wanted.NATIVE.value and machine is not None:
        launcher = system.native_launcher(machine)
    return _Bundle(root, manifest.python.scheme, system, config.get("isolated") == "true", launcher)


def _scripts(bundle: _Bundle, site_packages: tuple[str, ...]) -> Iterator[str]:
    """Bundle paths of scripts: all in the folder of scripts, and executable ones that begin with `#!` among the packages.

    Where programs start scripts (Windows) there are none among the packages.
    """
    root, folder, heads = bundle.root, bundle.scheme.scripts, bundle.system.script_heads
    for name in sorted(os.listdir(os.path.join(root, folder))):
        if _begins_with(os.path.join(root, folder, name), heads or (b"#!",)):
            yield f"{folder}/{name}"
    for site in () if heads else site_packages:
        for folder, _, names in sorted(os.walk(os.path.join(root, site))):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if _begins_with(path, (b"#!",)) and os.stat(path).st_mode & 0o111:
                    yield os.path.relpath(path, root)


def _begins_with(path: str, heads: tuple[bytes, ...]) -> bool:
    """Whether a file that is no link begins with one of some texts."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with opened(path) as file:
        return file.read(max(map(len, heads))).startswith(heads)


def _look_at(bundle: _Bundle, path: str, changes: _Changes) -> None:
    """Put what a script must become among the changes."""
    data = bundle.file(path) or b""
    if bundle.system.script_heads:
        _relocate(bundle, path, data, changes)
        return
    folder = os.path.dirname(path)
    prefixes = tuple(dict.fromkeys((bundle.root, os.path.realpath(bundle.root))))

    def is_ours(interpreter: str) -> bool:
        return interpreter.startswith(tuple(prefix + "/" for prefix in prefixes))

    side = side_file_path(path)
    script = rewrite_script(
        data,
        is_ours=is_ours,
        to_bin=relative(bundle.scheme.scripts, folder),
        side_file=relative(side, folder),
        any_python=folder == bundle.scheme.scripts,
        isolated=bundle.isolated,
        native=NativeStart(bundle.launcher, path, side) if bundle.launcher else None,
    )
    if script is not None:
        changes.files[path] = script.data
        changes.scripts[path] = script.reason
        if script.side_data is not None:
            changes.files[side] = script.side_data
            changes.beside[path] = side
    elif is_shell_script(data):
        match rewrite_shell_script(data, prefixes, relative("", folder)):
            case NotRewritten(reason):
                changes.left[path] = reason
            case None:
                pass
            case rewritten:
                changes.files[path] = rewritten.data
                changes.scripts[path] = rewritten.reason


def _relocate(bundle: _Bundle, path: str, data: bytes, changes: _Changes) -> None:
    """The same of a script that a program starts, by the rules of its system."""
    script = bundle.system.relocate_script(path, data, bundle.scheme, bundle.file)
    if script is None:
        return
    if script.data is None:
        changes.left[path] = script.reason
    else:
        changes.files[path] = script.data
        changes.scripts[path] = script.reason


def _configuration(root: str) -> Mapping[str, str]:
    """What `pyvenv.cfg` says; nothing without one."""
    try:
        return parse(read_regular(os.path.join(root, "pyvenv.cfg")).decode("utf-8", "surrogateescape"))
    except OSError:
        return {}


def _records(root: str, site_packages: tuple[str, ...], changes: _Changes) -> dict[str, bytes]:
    """The RECORDs of distributions that own a changed script, by bundle path."""
    digests = {path: Digest(hashlib.sha256(data).digest(), len(data)) for path, data in changes.files.items()}
    found = {}
    for site in site_packages:
        for file in sorted(glob.glob(os.path.join(glob.escape(os.path.join(root, site)), "*.dist-info", "RECORD"))):
            record = parse_record(read_regular(file))

            def resolve(row: str, site: str = site) -> str:
                path = path_of_row(row, site)
                return BundleRoot(root).inside(path) or path

            owned = changes.scripts.keys() & set(map(resolve, record.paths))
            if owned:
                found[os.path.relpath(file, root)] = rewrite_record(
                    record,
                    site_packages=site,
                    resolve=resolve,
                    added=[changes.beside[path] for path in owned if path in changes.beside],
                    digests=digests,
                    changed=owned,
                )
    return found


def _replace(root: str, path: str, data: bytes) -> None:
    """Put a new file in the place of an old one, with its mode and owner. Raises OutputFailed."""
    target = os.path.join(root, path)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        before = os.stat(target) if os.path.exists(target) else None
        if before is None:
            replace(target, data, mode=0o644)
        else:
            replace(target, data, mode=stat.S_IMODE(before.st_mode), owner=(before.st_uid, before.st_gid))
    except OSError as error:
        raise OutputFailed(
            f"cannot write {target}: {error.strerror}", "run it as the owner, where the bundle is writable"
        ) from error
