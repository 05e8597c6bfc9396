"""What a pack did, as a value, as JSON and as lines for a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.floor import Floor
from bundler.manifest import ChangedFile, Manifest
from bundler.plan.recorded_options import ChangedOption
from bundler.platforms import OperatingSystem
from bundler.systems import system_of
from bundler.systems.libraries import Outcome

if TYPE_CHECKING:
    from bundler.audit import AuditReport, LeakReport
    from bundler.sinks import Updated

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PackReport:
    """The outcome of `pack`. `size` is in bytes: of all files, or of the archive. `out` is None for a dry run."""

    out: str | None
    format: str
    manifest: Manifest
    size: int
    warnings: tuple[str, ...]
    modules_without_pyc: int
    shared_files: int
    """Files whose bytes bundle and source share (`--link hardlink`)."""
    audit: AuditReport | None
    leaks: LeakReport | None
    notes: tuple[str, ...] = ()
    """What a person wants to know of the pack: editable installs, what was left out, libraries opened at run time."""
    updated: Updated | None = None
    """What an update did."""
    changed_options: tuple[ChangedOption, ...] = ()
    """What is asked for otherwise than by the pack that made the bundle which was updated."""

    @property
    def faults(self) -> int:
        """Number of faults that the audit found; 0 where it did not run."""
        return len(self.audit.faults) if self.audit is not None else 0

    @property
    def files(self) -> int:
        """Number of files; links are not among them."""
        return sum(1 for fact in self.manifest.files.values() if fact.link is None)

    @property
    def floor(self) -> Floor | None:
        """The oldest libc or system that the bundle runs on, with the file that asks for it; None where nothing does."""
        return self.manifest.floor

    @property
    def changed(self) -> tuple[ChangedFile, ...]:
        """The files that differ from their source, each with the reason."""
        return self.manifest.changed

    def to_dict(self) -> dict[str, object]:
        """What `--json` prints, ready for `json.dumps`."""
        return as_json(self)


def as_json(report: PackReport) -> dict[str, object]:
    """The report as one JSON object; the files themselves are in `bundle.json`."""
    manifest = report.manifest
    return {
        "out": report.out,
        "format": report.format,
        "size": report.size,
        "files": report.files,
        "links": sum(1 for fact in manifest.files.values() if fact.link is not None),
        "shared_files": report.shared_files,
        "updated": report.updated._asdict() if report.updated else None,
        "changed_options": [changed._asdict() for changed in report.changed_options],
        "python": manifest.python.version,
        "floor": (
            {
                manifest.floor.system.lower(): manifest.floor.text,
                "file": manifest.floor.file,
                "symbol": manifest.floor.reason,
                "without": manifest.floor.text_without,
            }
            if manifest.floor
            else None
        ),
        "ceiling": dataclasses.asdict(manifest.ceiling),
        "changed": [
            {"path": change.path, "origin": change.origin, "reason": change.reason} for change in manifest.changed
        ],
        "bundled_libraries": [
            {"path": fact.path, "origin": fact.origin, "licence": fact.licence} for fact in manifest.bundled
        ],
        "host_libraries": list(manifest.host_libraries),
        "asked_of_target": {name: list(paths) for name, paths in manifest.asked_of_target.items()},
        "missing_libraries": [{"path": missing.path, "needed": missing.needed} for missing in manifest.missing],
        "opened_libraries": [dataclasses.asdict(opened) for opened in manifest.opened],
        "import_failures": dict(manifest.import_failures or {}),
        "modules_without_pyc": report.modules_without_pyc,
        "warnings": list(report.warnings),
        "notes": list(report.notes),
        "old_paths": report.leaks.as_json() if report.leaks is not None else None,
        "audit": report.audit.to_dict() if report.audit is not None else None,
    }


def as_lines(report: PackReport, *, verbose: bool) -> Iterator[str]:
    """The report for a person; `verbose` lists what is otherwise counted."""
    manifest = report.manifest
    nothing = "nothing: the environment stays as it is" if report.audit is not None else "nothing (a dry run)"
    what = f"{report.out} ({report.format})" if report.out else nothing
    yield f"wrote {what}: {report.files} files, {human_size(report.size)}, Python {manifest.python.version}"
    if report.updated is not None:
        yield f"updated: {report.updated.written} paths written, {report.updated.removed} removed, the others not touched"
    if report.changed_options:
        changes = "; ".join(changed.text for changed in report.changed_options)
        yield f"other options than those that made the bundle: {changes}"
    if floor := manifest.floor:
        yield f"needs {floor.system} {floor.text} or later ({floor.reason} in {floor.file})"
    yield from _ceiling(manifest)
    yield from report.notes
    yield from _changes(manifest, verbose)
    yield from _libraries(manifest, verbose)
    if report.shared_files:
        yield f"{report.shared_files} files share their bytes with the source: a change in one shows in the other"
    if report.modules_without_pyc:
        yield f"{report.modules_without_pyc} modules have no compiled form and start slower where Python cannot write"
    yield from _notes("warning: ", report.warnings, verbose)
    if manifest.import_failures:
        failures = [f"{name}: {error}" for name, error in manifest.import_failures.items()]
        yield f"{len(failures)} modules fail to import, in the source as well:"
        yield from _notes("  ", failures, verbose)
    if report.leaks is not None:
        yield from report.leaks.lines(verbose)
    if report.audit is not None:
        yield from report.audit.lines(verbose)


def _ceiling(manifest: Manifest) -> Iterator[str]:
    """What stops the bundle on a newer or another machine."""
    ceiling = manifest.ceiling
    if level := ceiling.cpu_level:
        yield f"needs a processor of the level {level.name} or higher ({level.file})"
    for version in ceiling.unknown_versions:
        yield f"needs a libc with {version.name} ({version.file}), which this bundler does not know: a newer one than that"
    yield from _stacks(manifest)
    for paths, what in (
        (ceiling.text_relocations, "text relocations"),
        (ceiling.writable_code, "memory to write to and execute"),
    ):
        if paths:
            yield f"systems that forbid writing to code (SELinux, systemd) refuse {_some(list(paths))}: {what}"


def _stacks(manifest: Manifest) -> Iterator[str]:
    """Who asks for an executable stack, and what comes of it."""
    marked, unmarked = manifest.ceiling.executable_stacks, manifest.ceiling.unmarked_stacks
    at_start = [path for path in (manifest.python.executable, manifest.python.library) if path in (*marked, *unmarked)]
    if at_start:  # then the loader grants it to all, which hardened kernels may refuse
        yield f"all processes have an executable stack: {_some(at_start)} asks for it (--fix-execstack clears the flag)"
        return
    refused = "glibc 2.41 and later refuse to open"
    if marked:
        which = "each asks" if len(marked) > 1 else "it asks"
        yield f"{refused} {_some(list(marked))}: {which} for an executable stack (--fix-execstack clears the flag)"
    if unmarked:
        yield f"{refused} {_some(list(unmarked))}: no PT_GNU_STACK means an executable stack (link with -z noexecstack)"


def _changes(manifest: Manifest, verbose: bool) -> Iterator[str]:
    """Changed files, by reason or one by one."""
    if verbose:
        for change in manifest.changed:
            yield f"changed {change.path}: {change.reason}"
        return
    if manifest.changed:
        yield f"changed {len(manifest.changed)} files; bundle.json says why, -v lists them"


def _libraries(manifest: Manifest, verbose: bool) -> Iterator[str]:
    """Bundled libraries, those under strong copyleft and those that may outlive a driver, and what is missing."""
    names = [fact.path.rpartition("/")[2] for fact in manifest.bundled]
    if names:
        yield f"took {len(names)} shared libraries from the host" + (": " + ", ".join(names) if verbose else "")
    system = system_of(OperatingSystem(manifest.system))
    for fact in manifest.bundled:
        if fact.licence:
            name = fact.path.rpartition("/")[2]
            yield f"note: {name} is under {fact.licence}; --exclude-lib {name} leaves it to the target's own"
    if any(map(system.is_driver, manifest.host_libraries)):
        at_risk = [name for name in names if system.drivers_may_need_newer(name)]
        if at_risk:
            yield (
                "note: a GL or GPU driver of a newer host may need newer copies of " + ", ".join(at_risk) + "; "
                "--exclude-lib NAME leaves one to the host"
            )
    for name, paths in manifest.asked_of_target.items():
        package = system.asks_of_target(name)
        where = f" ({package})" if package else ""
        yield f"needs {name} of the target{where}: {_some(list(paths))} ask{'s' * (len(paths) == 1)} for it"
    left_out = [fact for fact in manifest.opened if fact.outcome == Outcome.LEFT_OUT.value]
    lines = [
        f"{fact.path} may open {fact.sonames[0]}, which it only suggests (--include-lib {fact.sonames[0]} takes it along)"
        for fact in left_out
    ]
    yield from _notes("note: ", list(dict.fromkeys(lines)), verbose)
    missing: dict[str, list[str]] = {}
    for item in manifest.missing:
        missing.setdefault(item.needed, []).append(item.path)
    lines = [f"{name} is found nowhere; needed by {_some(paths)}" for name, paths in missing.items()]
    yield from _notes("warning: ", lines, verbose)


def _notes(prefix: str, lines: tuple[str, ...] | list[str], verbose: bool) -> Iterator[str]:
    shown = len(lines) if verbose else _SHOWN
    for line in lines[:shown]:
        yield prefix + line
    if len(lines) > shown:
        yield f"{prefix}and {len(lines) - shown} more (-v lists them)"


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def human_size(size: int) -> str:
    """Bytes with a decimal unit: `1.4 GB`."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
