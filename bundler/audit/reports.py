"""What an audit found, as values, as JSON and as lines for a person."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bundler.audit.cage import CageKind
from bundler.faults import Fault, fault_as_json
from bundler.signing.proving import SignatureReport

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RunReport:
    """The run check."""

    tried: int
    """Number of modules."""
    failed: Mapping[str, str]
    """Errors of those that could not be imported, by name."""
    outside: tuple[str, ...]
    """What was used that lies outside of the bundle."""
    cage: CageKind
    compared: bool = False
    """Whether the source did the same, and both were compared."""
    known: int = 0
    """How many of the modules were not tried again: nothing has changed of all that an earlier pack saw them depend on."""
    bundled: frozenset[str] | None = frozenset()
    """Libraries of the bundle that were loaded (bundle paths); None where nobody tells."""
    with_own_libc: int = 0
    """How many of the modules were imported a second time, with the bundle's own libc, since the first had this machine's."""


class LeakStatus(enum.Enum):
    """Whose business what was found is."""

    OWN = "own"
    """The maker's: nobody else has it."""
    PUBLISHED = "published"
    """Everybody's: an index, Python itself or the system's packages publish the file as it is."""
    ALLOWED = "allowed"
    """The maker lets it pass."""

    @property
    def remark(self) -> str:
        """For a person, behind what was found."""
        return {LeakStatus.OWN: "", LeakStatus.PUBLISHED: " (published)", LeakStatus.ALLOWED: " (allowed)"}[self]


@dataclass(frozen=True, slots=True)
class FoundLeak:
    """Something that a file tells of its maker, or that has the form of a credential. Its value is not kept."""

    path: str
    kind: str
    """`home`, `user`, `host`; or the kind of a credential: `github-token`, `private-key`, `password-in-url`, …"""
    status: LeakStatus
    line: int | None = None
    """Of a credential in a text, from 1 on."""
    offset: int | None = None
    """Of a credential, in bytes from the file's start."""
    shown: str = ""
    """The first letters of a token, where these tell nothing but its kind."""
    what: str = ""
    """What a name is, in words."""
    is_credential: bool = False

    @property
    def text(self) -> str:
        """For a person."""
        if not self.is_credential:
            return f"{self.path}: {self.what}"
        place = f"{self.path}:{self.line}" if self.line else f"{self.path}, byte {self.offset}"
        return f"{place}: {self.kind}" + (f" ({self.shown})" if self.shown else "")

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status.value,
            "line": self.line,
            "offset": self.offset,
            "shown": self.shown,
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The audit of one bundle. `added` are files that came after the pack; `run` is None where nothing was run."""

    faults: tuple[Fault, ...]
    files: int
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run: RunReport | None = None
    target: str = ""
    """The name of the system against which the bundle was held; "" for none."""
    leaks: tuple[FoundLeak, ...] = ()
    """What has the form of a credential, or of a path in somebody's home folder. A pack's own are in its `LeakReport`."""
    signature: SignatureReport | None = None
    """The signature that holds, by the key that was given; None without one."""

    def as_json(self) -> dict[str, object]:
        """The former name of `to_dict`."""
        return self.to_dict()

    def to_dict(self) -> dict[str, object]:
        """What `--json` prints, ready for `json.dumps`."""
        return {
            "faults": [fault_as_json(fault) for fault in self.faults],
            "target": self.target or None,
            "files": self.files,
            "added": list(self.added),
            "notes": list(self.notes),
            "leaks": [leak.to_dict() for leak in self.leaks],
            "signature": self.signature.to_dict() if self.signature is not None else None,
            "run": (
                {
                    "tried": self.run.tried,
                    "known": self.run.known,
                    "failed": dict(self.run.failed),
                    "outside": list(self.run.outside),
                    "cage": self.run.cage.value,
                    "compared": self.run.compared,
                    **({"with_own_libc": self.run.with_own_libc} if self.run.with_own_libc else {}),
                }
                if self.run is not None
                else None
            ),
        }

    def lines(self, verbose: bool) -> Iterator[str]:
        """For a person; `verbose` lists everything."""
        yield from self.findings(verbose)
        if verbose:
            yield from (f"added after the pack: {path}" for path in self.added)
        if self.signature is not None:
            yield self.signature.text
        yield self.outcome

    def findings(self, verbose: bool) -> Iterator[str]:
        """What is wrong, with what to do, and notes."""
        yield from fault_lines(self.faults, verbose)
        yield from some([f"note: {note}" for note in self.notes], verbose)
        own = [leak for leak in self.leaks if verbose or leak.status is LeakStatus.OWN]
        yield from some([f"note: {leak.text}{leak.status.remark}" for leak in own], verbose)

    @property
    def verdict(self) -> str:
        """In two words."""
        return f"{len(self.faults)} fault{'s' * (len(self.faults) > 1)}" if self.faults else "no faults"

    @property
    def outcome(self) -> str:
        """What was done and found, in one line."""
        checked = f"verified {self.files} files" + (f", held them against {self.target}" if self.target else "")
        if self.run is not None:
            hidden = ", the source hidden" if self.run.cage is CageKind.HIDDEN else ""
            compared = ", compared with the source" if self.run.compared else ""
            imported = self.run.tried - len(self.run.failed)
            anew = f"{max(0, imported - self.run.known)} modules anew, {self.run.known} known from earlier packs"
            own = f", {self.run.with_own_libc} with its own libc as well" if self.run.with_own_libc else ""
            checked += f" and imported {anew if self.run.known else f'{imported} modules'}{own}{hidden}{compared}"
        were = "1 file was" if len(self.added) == 1 else f"{len(self.added)} files were"
        added = f"; {were} added after the pack (-v lists what)" if self.added else ""
        return f"{checked}: {self.verdict}{added}"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Files that still hold a path of the source: texts, compiled modules, constants in binaries (bundle paths); and what was found
    beside: names and credentials."""

    texts: tuple[str, ...] = field(default=())
    pycs: tuple[str, ...] = field(default=())
    binaries: tuple[str, ...] = field(default=())
    found: tuple[FoundLeak, ...] = field(default=())
    unused: tuple[str, ...] = field(default=())
    """Patterns of `--allow-leak` that nothing fitted."""

    @property
    def own(self) -> tuple[FoundLeak, ...]:
        """What is the maker's alone."""
        return tuple(leak for leak in self.found if leak.status is LeakStatus.OWN)

    def as_json(self) -> dict[str, object]:
        """The paths of the source, for `--json`: compiled modules are counted only."""
        return {"texts": list(self.texts), "pycs": len(self.pycs), "binaries": list(self.binaries)}

    def found_as_json(self) -> list[dict[str, object]]:
        """Names and credentials, for `--json`."""
        return [leak.to_dict() for leak in self.found]

    def lines(self) -> Iterator[str]:
        """All of it, for a person."""
        if self.pycs:
            yield f"compiled modules that name the source's path, for tracebacks only: {len(self.pycs)}"
        for paths, what in ((self.texts, "text files"), (self.binaries, "binaries")):
            if paths:
                yield f"{what} that still hold a path of the source:"
                yield from (f"  {path}" for path in paths)
        for status, what in (
            (
                LeakStatus.PUBLISHED,
                "what has the form of a credential or a name of yours, in files that are published as they are",
            ),
            (LeakStatus.ALLOWED, "what --allow-leak lets pass"),
        ):
            leaks = [leak for leak in self.found if leak.status is status]
            if leaks:
                yield f"{what}:"
                yield from (f"  {leak.text}" for leak in leaks)


def fault_lines(faults: Sequence[Fault], verbose: bool) -> Iterator[str]:
    """What is wrong, and below those that follow each other and ask for the same, what to do."""
    shown = faults if verbose else faults[:_SHOWN]
    for hint, group in itertools.groupby(shown, key=lambda fault: fault.hint):
        yield from (": ".join(filter(None, ("fault", fault.path, fault.message))) for fault in group)
        yield f"  hint: {hint}"
    if len(faults) > len(shown):
        yield f"… and {len(faults) - len(shown)} more faults (-v lists them)"


def some(lines: Sequence[str], verbose: bool) -> Iterator[str]:
    """The first lines, and how many more there are; all with `verbose`."""
    shown = len(lines) if verbose else _SHOWN
    yield from lines[:shown]
    if len(lines) > shown:
        yield f"… and {len(lines) - shown} more (-v lists them)"
