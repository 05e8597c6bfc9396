"""The audit at the end of a pack, which knows the source: what fails is tried there, and its paths are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bundler.audit import audit_tree
from bundler.audit.contents import audit_contents
from bundler.audit.reports import AuditReport, LeakReport
from bundler.audit.run import failing_imports
from bundler.audit.tree import read_tree
from bundler.environment import Environment
from bundler.faults import FaultKind
from bundler.systems import system_of
from bundler.systems.prefixes import is_system_prefix

_NOT_RUN = "nothing was run: the environment was read from files alone; the run check is left to `bundler verify` where it belongs"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit found; `import_failures` are modules that the source cannot import either.

    `opened` are libraries of this machine that the bundle's modules open at run time (`dlopen`), which no header tells: the names
    that they have for themselves (DT_SONAME), by path.
    """

    audit: AuditReport
    leaks: LeakReport
    import_failures: Mapping[str, str]
    opened: Mapping[str, str] = field(default_factory=dict)


def prove(out: str, environment: Environment) -> Proof:
    """Audit what was packed from `environment` to `out` (a directory or an archive); it is run where the environment was."""
    tree = read_tree(out, _prefixes(environment))
    contents = audit_contents(tree, strict=False)
    audit = audit_tree(out, tree, contents, run=environment.probed)
    if not environment.probed:
        audit = replace(audit, notes=(*audit.notes, _NOT_RUN))
    failed = audit.run.failed if audit.run is not None else {}
    known = failing_imports(environment.python, tuple(failed)) if failed else {}
    faults = [fault for fault in audit.faults if not (fault.kind is FaultKind.IMPORT and fault.path in known)]
    outside = audit.run.outside if audit.run is not None else ()
    system = system_of(environment.platform.system)
    libraries = {path: library for path in outside if (library := system.opened_library(path)) is not None}
    needed = {
        name for library in libraries.values() for name in library.needed
    }  # these come along with what needs them
    opened = {path: library.soname for path, library in libraries.items() if library.soname not in needed}
    return Proof(replace(audit, faults=tuple(faults)), contents.leaks, known, opened)


def _prefixes(environment: Environment) -> tuple[str, ...]:
    """Paths of the source whose traces are looked for; a system's prefix is no trace."""
    sysroot = environment.sysroot
    places = [environment.root, sysroot.real(environment.root), environment.interpreter.base_prefix]
    names = [sysroot.name_of(place) for place in places]
    if not sysroot.is_host:
        names.append(sysroot.path)
    return tuple(dict.fromkeys(name for name in names if not is_system_prefix(name)))
