"""What a pack did, as a value and as JSON; `report_lines` tells a person."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.faults import Fault, fault_as_json
from bundler.floor import Floor
from bundler.manifest import ChangedFile, Manifest
from bundler.plan.parts import Part, Saving, parts_of
from bundler.plan.recorded_options import ChangedOption
from bundler.plan.traced import Traced

if TYPE_CHECKING:
    from bundler.audit import AuditReport, LeakReport
    from bundler.signing.signer import SignedBy
    from bundler.sinks import Updated


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
    started_by: tuple[str, ...] = ()
    """Bundle paths of what a person starts: the start command, else the application's scripts, else Python."""
    top: str = ""
    """The folder above all that is in the archive; "" for none."""
    savings: tuple[Saving, ...] = ()
    """What smaller profiles than the chosen one would leave out."""
    traced: Traced | None = None
    """What became of what traced commands used (`--trace`)."""
    updated: Updated | None = None
    """What an update did."""
    changed_options: tuple[ChangedOption, ...] = ()
    """What is asked for otherwise than by the pack that made the bundle which was updated."""
    target: str = ""
    """The name of the system that the bundle must run on; "" for none in particular."""
    unfit: tuple[Fault, ...] = ()
    """What keeps it from running there, where there was no audit that would say so."""
    page: str | None = None
    """Where the page of it is; None where none was asked for, or the bundle has faults."""
    signature: SignedBy | None = None
    """What signed the bundle; None where nothing did."""
    can_compile: bool = True
    """Whether the environment's Python may be run, and so compile modules."""

    @property
    def faults(self) -> int:
        """Number of faults that the audit found, or without one of what keeps the bundle from running on its target."""
        return len(self.audit.faults if self.audit is not None else self.unfit)

    @property
    def files(self) -> int:
        """Number of files; links are not among them."""
        return sum(1 for fact in self.manifest.files.values() if fact.link is None)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the bundle's bytes are, the largest part first."""
        return parts_of(self.manifest)

    @property
    def floor(self) -> Floor | None:
        """The oldest libc or system that the bundle runs on, with the file that asks for it; None where nothing does."""
        return self.manifest.floor

    @property
    def host_libc(self) -> Floor | None:
        """With `libc="auto"`: the oldest libc of a target that is used in place of the bundle's own; else None."""
        return self.manifest.host_libc

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
        "started_by": list(report.started_by),
        **({"page": report.page} if report.page else {}),
        "parts": {part.name: part.size for part in report.parts},
        "savings": {saving.profile.value: saving.size for saving in report.savings},
        "files": report.files,
        "links": sum(1 for fact in manifest.files.values() if fact.link is not None),
        "shared_files": report.shared_files,
        "updated": report.updated._asdict() if report.updated else None,
        "changed_options": [changed._asdict() for changed in report.changed_options],
        "signature": report.signature._asdict() if report.signature is not None else None,
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
        **(
            {"host_libc": {"from": host.text, "file": host.file, "symbol": host.reason}}
            if (host := manifest.host_libc)
            else {}
        ),
        "ceiling": dataclasses.asdict(manifest.ceiling),
        "target": report.target or None,
        "unfit": [fault_as_json(fault) for fault in report.unfit],
        "changed": [
            {"path": change.path, "origin": change.origin, "reason": change.reason} for change in manifest.changed
        ],
        "bundled_libraries": [
            {
                "path": fact.path,
                "origin": fact.origin,
                "licence": fact.licence,
                "copyleft": fact.copyleft.value,
                "package": fact.package.text if fact.package is not None else None,
            }
            for fact in manifest.bundled
        ],
        "host_libraries": list(manifest.host_libraries),
        "asked_of_target": {name: list(paths) for name, paths in manifest.asked_of_target.items()},
        "unprovided_versions": [dataclasses.asdict(each) for each in manifest.unprovided],
        "missing_libraries": [{"path": missing.path, "needed": missing.needed} for missing in manifest.missing],
        "companions": [fact._asdict() for fact in manifest.companions],
        "compiled_in": [path._asdict() for path in manifest.compiled_in],
        "opened_libraries": [dataclasses.asdict(opened) for opened in manifest.opened],
        "traced": report.traced.to_dict() if report.traced is not None else None,
        "import_failures": dict(manifest.import_failures or {}),
        "modules_without_pyc": report.modules_without_pyc,
        "warnings": list(report.warnings),
        "notes": list(report.notes),
        "old_paths": report.leaks.as_json() if report.leaks is not None else None,
        "leaks": report.leaks.found_as_json() if report.leaks is not None else None,
        "audit": report.audit.to_dict() if report.audit is not None else None,
    }
