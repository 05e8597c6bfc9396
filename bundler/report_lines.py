"""A pack's report for a person: what was made, how it is started, what it needs, and what to do; with `verbose` the facts, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bundler.audit.reports import fault_lines
from bundler.faults import FaultKind
from bundler.formats import DIRECTORY, archive_named
from bundler.host_package import Copyleft
from bundler.machine import path_shown
from bundler.manifest import Manifest
from bundler.options import Pyc
from bundler.platforms import OperatingSystem
from bundler.quantities import human_size
from bundler.report import PackReport
from bundler.systems import system_of
from bundler.systems.libraries import Outcome

_SHOWN = 8
_NAMED = 3
_MOST_PARTS = 5
_WORTH = 200
"""A part of the bundle, or a profile's saving, is told from this fraction of all bytes on."""
_MANY_MODULES = 50
"""So many modules without a compiled form make a start slower than anybody would like."""


def as_lines(report: PackReport, *, verbose: bool) -> Iterator[str]:
    """The report for a person. An update that changed nothing repeats nothing."""
    yield _made(report, verbose)
    yield from [f"its page: {path_shown(report.page)}"] if report.page else []
    yield from [report.signature.text] if report.signature is not None else []
    yield from _other_options(report)
    if verbose or not _nothing_changed(report):
        yield from _start(report)
        yield from _needs(report.manifest)
        yield from _target(report)
        yield from _sizes(report)
        yield from _modules(report, verbose)
        yield from [report.traced.summary] if report.traced is not None else []
        yield from _libraries(report.manifest, verbose)
        yield from _compiled_in(report.manifest, verbose)
    yield from _notes("warning: ", report.warnings, verbose)
    yield from _notes("warning: ", list(_leaks(report, verbose)), verbose)
    yield from _missing(report.manifest, verbose)
    if verbose:
        yield from _facts(report)
    elif report.leaks is not None and report.leaks.texts and not _nothing_changed(report):
        yield f"text files that still name a path of the source, which may not be there: {_some(report.leaks.texts)}"
    if report.audit is not None:
        yield from report.audit.findings(verbose)
        if verbose or report.audit.faults:
            yield report.audit.outcome
    elif report.unfit:
        yield from fault_lines(report.unfit, verbose)


def manifest_lines(manifest: Manifest) -> Iterator[str]:
    """All that `bundle.json` alone tells who gets the bundle, line by line: what it needs, notes, warnings."""
    yield from _needs(manifest)
    yield from _libraries(manifest, verbose=True)
    yield from _compiled_in(manifest, verbose=True)
    yield from _notes("warning: ", manifest.warnings, verbose=True)
    yield from _missing(manifest, verbose=True)


def _nothing_changed(report: PackReport) -> bool:
    return report.updated is not None and not any(report.updated)


def _made(report: PackReport, verbose: bool) -> str:
    """What was made, or brought up to date, where, and whether it was proved."""
    facts = f"{report.files} files, {human_size(report.size)}, Python {report.manifest.python.version}"
    if report.out is None:
        proved = f"; {report.audit.verdict}" if report.audit is not None else ""
        nothing = "the environment stays as it is" if report.audit is not None else "a dry run"
        return f"wrote nothing ({nothing}): {facts}{proved}"
    proved = f"; verified, {report.audit.verdict}" if report.audit is not None else "; not verified"
    if report.updated is None:
        return f"wrote {path_shown(report.out)} ({report.format}): {facts}{proved}"
    written, removed = report.updated
    if _nothing_changed(report) and not verbose:
        return f"updated: 0 paths written, {path_shown(report.out)} is as it was{proved}"
    paths = "1 path" if written == 1 else f"{written} paths"
    return (
        f"updated: {paths} written, {removed} removed, in {path_shown(report.out)} ({report.format}): {facts}{proved}"
    )


def _other_options(report: PackReport) -> Iterator[str]:
    if report.changed_options:
        changes = "; ".join(changed.text for changed in report.changed_options)
        yield f"other options than those that made the bundle: {changes}"


def _start(report: PackReport) -> Iterator[str]:
    """How the application is started, or Python."""
    if not report.started_by:
        return
    if report.out is None or report.format == DIRECTORY:
        folder = f"{report.out}/" if report.out else ""
        yield f"start it with {_some([path_shown(folder + path) for path in report.started_by])}"
        return
    form = archive_named(report.format)
    first = form.opening.format(path_shown(report.out))
    separator = system_of(OperatingSystem(report.manifest.system)).separator
    top = f"{report.top}/" if report.top else ""
    started = _some([f"{top}{path}".replace("/", separator) for path in report.started_by])
    yield f"start it: {first}" if form.is_image else f"start it: {first}, then {started}"


def _needs(manifest: Manifest) -> Iterator[str]:
    """What the bundle asks of its machine, and what stops it on a newer or another one."""
    yield from _floor(manifest)
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
            yield f"systems that forbid writing to code (SELinux, systemd) refuse {_some(paths)}: {what}"
    system = system_of(OperatingSystem(manifest.system))
    for name, files in manifest.asked_of_target.items():
        package = system.asks_of_target(name)
        where = f" ({package})" if package else ""
        yield f"needs {name} of the target{where}: {_some(files)} ask{'s' * (len(files) == 1)} for it"


def _target(report: PackReport) -> Iterator[str]:
    """Whether it runs where it must."""
    if not report.target:
        return
    told = report.audit.faults if report.audit is not None else report.unfit
    number = sum(fault.kind is FaultKind.TARGET for fault in told)
    yield (
        f"does not run on {report.target}: {number} reason{'s' * (number > 1)}"
        if number
        else f"runs on {report.target}"
    )


def _floor(manifest: Manifest) -> Iterator[str]:
    """The oldest libc or system, or which libc; where one file alone asks for so much, what would do without it."""
    floor = manifest.floor
    if floor is None:
        if system_of(OperatingSystem(manifest.system)).tells_libc(manifest.libc) and not manifest.loader:
            yield f"needs {manifest.libc}"
        return
    if floor.text_without is None:
        yield f"needs {floor.system} {floor.text} or later ({floor.reason} in {floor.file})"
        if host := manifest.host_libc:
            yield f"uses the target's {host.system} from {host.text} on ({host.reason} in {host.file}), else its own"
        return
    bundled = next((fact for fact in manifest.bundled if fact.path == floor.file), None)
    users = f", which {_some([_name(path) for path in bundled.needed_by])} needs" if bundled else ""
    cure = f" (--exclude-lib {_name(floor.file)} leaves it to the target's own)" if bundled else ""
    alone = f"for {floor.file} alone ({floor.reason}){users}"
    yield f"needs {floor.system} {floor.text} or later, {alone}; without it {floor.text_without}{cure}"


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
        yield f"{refused} {_some(marked)}: {which} for an executable stack (--fix-execstack clears the flag)"
    if unmarked:
        yield f"{refused} {_some(unmarked)}: no PT_GNU_STACK means an executable stack (link with -z noexecstack)"


def _sizes(report: PackReport) -> Iterator[str]:
    """The big parts, in MB, and what smaller profiles save."""
    is_packed = report.out is not None and report.format != DIRECTORY
    parts = report.parts
    total = sum(part.size for part in parts) if is_packed else report.size
    big = [part for part in parts[:_MOST_PARTS] if part.size * _WORTH > total and part.size >= 10**6]
    if not big:
        return
    told = [f"{part.name} {_megabytes(part.size)}" for part in big]
    rest = total - sum(part.size for part in big)
    told += [f"others {_megabytes(rest)}"] if rest >= 10**6 else []
    worth = [saving for saving in report.savings if saving.size * _WORTH > total and saving.size >= 10**6]
    savings = [
        f"{saving.profile.value}{'' if number else ' saves'} {_megabytes(saving.size)} MB"
        for number, saving in enumerate(worth)
    ]
    unpacked = "unpacked " if is_packed else ""
    more = f"; --profile {', '.join(savings)}" if savings else ""
    yield f"{unpacked}{_megabytes(total)} MB: {', '.join(told)}{more}"


def _modules(report: PackReport, verbose: bool) -> Iterator[str]:
    """Modules that Python compiles at each start, unless that was asked for."""
    options = report.manifest.options
    if options is not None and options.values.get("pyc") == Pyc.NONE.value:
        return
    if report.modules_without_pyc >= (1 if verbose else _MANY_MODULES):
        slower = "have no compiled form and start slower, always where Python cannot write"
        python = report.manifest.python
        there = (
            f"on its own machine: {python.executable} -m compileall --invalidation-mode unchecked-hash {python.stdlib}"
        )
        how = "--pyc compile compiles them" if report.can_compile else there
        yield f"{report.modules_without_pyc} modules {slower} ({how})"


def _libraries(manifest: Manifest, verbose: bool) -> Iterator[str]:
    """Libraries that somebody may want to treat otherwise."""
    names = [_name(fact.path) for fact in manifest.bundled]
    system = system_of(OperatingSystem(manifest.system))
    for fact in manifest.bundled:
        name = _name(fact.path)
        if fact.copyleft is Copyleft.STRONG:
            teller = f"by the licence of its package {fact.package.name}" if fact.package is not None else "by its name"
            yield f"note: {name} is under {fact.licence} ({teller}); --exclude-lib {name} leaves it to the target's own"
        elif fact.copyleft is Copyleft.PERHAPS and verbose and fact.package is not None:
            source = fact.package.source or fact.package.name
            where = fact.licence_files[-1] if fact.licence_files else f"the licence of {fact.package.name}"
            yield f"note: {name} was built from {source}, most of which is under {fact.licence}; {where} may say more of it"
    if any(map(system.is_driver, manifest.host_libraries)):
        at_risk = [name for name in names if system.drivers_may_need_newer(name)]
        if at_risk:
            yield (
                "note: a GL or GPU driver of a newer host may need newer copies of " + ", ".join(at_risk) + "; "
                "--exclude-lib NAME leaves one to the host"
            )
    left_out = [fact for fact in manifest.opened if fact.outcome == Outcome.LEFT_OUT.value]
    lines = [
        f"{fact.path} may open {fact.sonames[0]}, which it only suggests (--include-lib {fact.sonames[0]} takes it along)"
        for fact in left_out
    ]
    yield from _notes("note: ", list(dict.fromkeys(lines)), verbose)


def _compiled_in(manifest: Manifest, verbose: bool) -> Iterator[str]:
    """Folders of this machine that libraries look into by a path of their own, and that stay behind."""
    behind = manifest.compiled_in
    if not behind:
        return
    told = [f"{_name(each.library)} in {each.path}" for each in behind]
    what = "what libraries look for by a path compiled into them, and what does not come along"
    if verbose:
        yield f"note: {what}:"
        yield from (f"  {text}: {each.files} files" for text, each in zip(told, behind, strict=True))
    else:
        yield f"note: {what}: {_some(told)}; the target has it there, or the bundle is without (-v lists the files)"


def _leaks(report: PackReport, verbose: bool) -> Iterator[str]:
    """What the bundle tells of who made it, and patterns that let nothing pass."""
    if report.leaks is None:
        return
    credentials = [leak.text for leak in report.leaks.own if leak.is_credential]
    if credentials:
        told = "; ".join(credentials) if verbose else _some(credentials)
        yield f"what has the form of a credential comes along: {told}"
    names: dict[str, list[str]] = {}
    for leak in report.leaks.own:
        if not leak.is_credential:
            names.setdefault(leak.what, []).append(leak.path)
    for what, paths in names.items():
        yield f"your {what} is in {', '.join(paths) if verbose else _some(paths)}"
    for pattern in report.leaks.unused:
        yield f"--allow-leak {pattern} fits nothing that was found"


def _missing(manifest: Manifest, verbose: bool) -> Iterator[str]:
    """Libraries that are found nowhere, and such as are too old for what needs them."""
    missing: dict[str, list[str]] = {}
    for item in manifest.missing:
        missing.setdefault(item.needed, []).append(item.path)
    lines = [f"{name} is found nowhere; needed by {_some(paths)}" for name, paths in missing.items()]
    lines += [
        f"{each.path} needs {each.version} of {each.library}, which the one that it finds does not have, in the source either"
        for each in manifest.unprovided
    ]
    lines += [
        f"{each.path} cannot be loaded where nothing else brings {_some(each.symbols)}: nothing here has it, nor had the source"
        for each in manifest.unbound
    ]
    yield from _notes("warning: ", lines, verbose)


def _facts(report: PackReport) -> Iterator[str]:
    """What nobody has to do anything about."""
    manifest = report.manifest
    yield from report.notes
    for change in manifest.changed:
        yield f"changed {change.path}: {change.reason}"
    if names := [_name(fact.path) for fact in manifest.bundled]:
        yield f"took {len(names)} shared libraries from the host: {', '.join(names)}"
    for companion in manifest.companions:
        yield f"took {companion.what}, {companion.files} files, along with {_name(companion.library)}: {companion.pointing}"
    if report.shared_files:
        yield f"{report.shared_files} files share their bytes with the source: a change in one shows in the other"
    if manifest.import_failures:
        yield f"{len(manifest.import_failures)} modules fail to import, in the source as well (without what was left out):"
        yield from (f"  {name}: {error}" for name, error in manifest.import_failures.items())
    if report.leaks is not None:
        yield from report.leaks.lines()


def _notes(prefix: str, lines: Sequence[str], verbose: bool) -> Iterator[str]:
    shown = len(lines) if verbose else _SHOWN
    for line in lines[:shown]:
        yield prefix + line
    if len(lines) > shown:
        yield f"{prefix}and {len(lines) - shown} more (-v lists them)"


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"
