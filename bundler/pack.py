"""The pipeline: load the environment, then plan it, write the plan to a sink and audit the result, and report.

`attempt` joins the steps. Decisions on binaries are in `plan.binaries`, by the rules of `systems`; `formats` names what writes an
archive's members.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from bundler.bundle_paths import lies_in
from bundler.destination import (
    Destination,
    DirectoryDestination,
    InPlace,
    ToDirectory,
    ToFile,
    ToStandardOutput,
    destination_of,
)
from bundler.errors import BadOption, OutputFailed, UnfittingOption
from bundler.keywords import PackKeywords, StrPath
from bundler.machine import os
from bundler.option_kinds import path_of
from bundler.options import PackOptions
from bundler.progress import Progress, Silent

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack


class _Later:
    """A module that is imported when something in it is asked for: `typing.get_type_hints` does."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self._name), name)


if TYPE_CHECKING:
    from bundler import report
    from bundler.environment import Environment
    from bundler.manifest import RecordedOptions
    from bundler.page.writing import PageFile
    from bundler.signing.signer import Signer
    from bundler.sinks.directories.stage import Stage
    from bundler.target import Target
else:
    report = _Later("bundler.report")

_MOST_ATTEMPTS = 5
"""A first one by a guess; the audit puts that right, and then only adds libraries, which may open others in their turn."""


def pack(
    environment: StrPath,
    out: StrPath | None = None,
    options: PackOptions | None = None,
    progress: Progress = Silent(),  # noqa: B008 - immutable
    **keywords: Unpack[PackKeywords],
) -> report.PackReport:
    """Pack the environment at `environment` into a bundle at `out`, whose suffix gives the format.

    Options are keywords under the names of `[tool.bundler]` (`exclude_lib` for `exclude-lib`); they change `options` where both are
    given. Without `options` an update begins with those that made the bundle. With `in_place=True` there is no `out`. A wrong
    option is a BadOption, which lists the right ones.

    Where this raises BundlerError nothing is left at `out`, and what was there stays. Faults that the audit finds are in
    the report; the bundle is in place then, but for a pack in place (`out` is the environment), which leaves the environment as it
    was.
    """
    from bundler.environment import load_environment
    from bundler.option_names import with_keywords

    environment = path_of("environment", environment)
    options = with_keywords(_to_begin_with(environment, out, keywords) if options is None else options, keywords)
    destination = destination_of(_out(environment, out, options), options)
    target = _target_of(options)
    signer = _signer_of(options)
    check_what_lies_beside(options, destination, environment)
    recover(destination, options)
    progress.phase("reading the environment")
    loaded = load_environment(environment, options.root, run=options.probe, meanwhile=_load_what_comes_next)
    check_output(loaded, destination)
    _check_target(target, loaded)
    with claim(destination, options), _page(loaded, destination, options) as page:
        return _pack(loaded, environment, destination, options, target, page, signer, progress)


def _pack(
    loaded: Environment,
    environment: str,
    destination: Destination,
    options: PackOptions,
    target: Target | None,
    page: PageFile | None,
    signer: Signer | None,
    progress: Progress,
) -> report.PackReport:
    """Pack what was read at the path `environment`."""
    from bundler.attempt import Job, attempt, first_guess
    from bundler.audit.against_source import Earlier
    from bundler.audit.proofs.book import ProofBook
    from bundler.audit.recalled import ReadingsBook
    from bundler.memory import NO_MEMORY, open_memory
    from bundler.plan.output import directory_facts
    from bundler.plan.recorded_options import recorded_options
    from bundler.plan.settings import open_workspace, settle_settings
    from bundler.plan.signature_entry import lost_signature
    from bundler.sinks.opening import SinkOpening
    from bundler.tracing import trace_commands

    is_archive = not isinstance(destination, DirectoryDestination)
    settings = settle_settings(options.content, loaded, is_archive=is_archive, threads=options.threads)
    recorded = recorded_options(options.content, os.path.dirname(os.path.abspath(environment)), options.configured)
    trace = trace_commands(options.trace, loaded, progress)
    settings = replace(settings, options=recorded, in_place=options.in_place, trace=trace)
    with (
        open_workspace(settings, cache=options.cache) as workspace,
        _stage(destination, options) as stage,
        SinkOpening(destination, options, progress.advance, directory_facts()) as opening,
    ):
        memory = open_memory(loaded.root) if options.cache and not options.in_place else NO_MEMORY
        before = _made_with(destination)
        earlier = Earlier(ProofBook(memory.imports), ReadingsBook(memory.readings))
        job = Job(
            loaded,
            destination,
            options,
            replace(settings, workspace=workspace),
            memory,
            progress,
            earlier,
            opening,
            stage,
            before,
            target,
            page,
            signer,
            lost_signature(destination) if signer is None else (),
        )
        dlopened, held = first_guess(job), frozenset[str]()
        for number in range(_MOST_ATTEMPTS):
            done = attempt(job, dlopened, held, is_last=number == _MOST_ATTEMPTS - 1)
            if done.report is not None:
                return done.report
            dlopened, held = done.dlopened, held | done.altered
    raise AssertionError("the last attempt has a report")


def _target_of(options: PackOptions) -> Target | None:
    """The system that the bundle must run on. Raises BadOption for a name that there is none of."""
    if not options.content.target:
        return None
    from bundler.systems.targets import target_named

    return target_named(options.content.target)


def _check_target(target: Target | None, environment: Environment) -> None:
    """Refuse a target that is another system or machine. Raises BundlerError."""
    if target is not None:
        from bundler.systems.targets import check_target

        check_target(target, environment.platform)


def _page(
    environment: Environment, destination: Destination, options: PackOptions
) -> AbstractContextManager[PageFile | None]:
    """The page that is asked for; a dry run looks at its place alone. Raises UnfittingOption, OutputExists, OutputFailed."""
    if not options.page:
        return nullcontext()
    if isinstance(destination, ToStandardOutput):
        raise UnfittingOption("--page reads the bundle again, which is gone from standard output", "use --out FILE")
    from bundler.page.writing import PageFile, page_target

    trees = (environment.root, environment.interpreter.stdlib, destination.path)
    target = page_target(options.page, force=options.force or options.update, trees=trees)
    return nullcontext() if options.dry_run else PageFile(target, os.path.basename(os.path.abspath(destination.path)))


def _signer_of(options: PackOptions) -> Signer | None:
    """What signs the bundle: a key that does not open is told before anything is read. Raises BadKey, ExtraMissing."""
    if not options.sign:
        return None
    from bundler.signing.signer import signer_of

    return signer_of(options)


def _stage(destination: Destination, options: PackOptions) -> AbstractContextManager[Stage | None]:
    """Where an archive is tried; nothing is there before it is asked for."""
    if not isinstance(destination, ToFile):
        return nullcontext()
    from bundler.sinks.directories.stage import Stage

    return Stage(destination.path, threads=options.threads)


def _to_begin_with(environment: str, out: StrPath | None, keywords: PackKeywords) -> PackOptions:
    """The defaults; for an update of a bundle the options that made it, but for those that keywords say anew."""
    if keywords.get("update") is not True or out is None:
        return PackOptions()
    from bundler.remembered import options_of_bundle

    return options_of_bundle(path_of("out", out), os.path.dirname(os.path.abspath(environment)), keywords.keys())


def _out(environment: str, out: StrPath | None, options: PackOptions) -> str:
    """Where the bundle goes: for a pack in place, which names none, where the environment is. Raises BadOption."""
    if out is None and not options.in_place:
        raise BadOption("pack needs out, the path of the bundle", "or in_place=True, for the place of the environment")
    return environment if out is None else path_of("out", out)


def _made_with(destination: Destination) -> RecordedOptions | None:
    """The options that made the bundle which shall be updated; None where there is none, or nobody tells."""
    if not isinstance(destination, ToDirectory | ToFile) or not destination.update:
        return None
    from bundler.remembered import remembered_options

    return remembered_options(destination.path)


def recover(destination: Destination, options: PackOptions) -> None:
    """Bring an environment into order whose pack in place was killed. Raises OutputFailed."""
    if isinstance(destination, InPlace) and not options.dry_run:
        from bundler.sinks.directories.in_place import recover as recover_in_place

        recover_in_place(destination.path)


def claim(destination: Destination, options: PackOptions) -> AbstractContextManager[object]:
    """The right to make the output, which no other pack has meanwhile; a dry run makes none. Entering it raises OutputExists."""
    if options.dry_run:
        return nullcontext()
    from bundler.sinks.claim import claim_output

    return claim_output(destination)


def check_what_lies_beside(options: PackOptions, destination: Destination, environment: str) -> None:
    """Refuse what would replace something else beside the output. Raises BundlerError."""
    if options.licences or options.content.sbom:
        from bundler.beside import check_beside

        check_beside(options, destination, environment)


def _load_what_comes_next() -> None:
    """Import the modules of planning and writing while the environment's interpreter is asked."""
    from bundler.plan.binaries import load_planner
    from bundler.platforms import this_platform

    for module in ("attempt", "plan.make", "plan.output", "sinks.opening", "sinks.directories.directory"):
        import_module(f"bundler.{module}")
    here = this_platform()
    if here is not None:
        load_planner(here.system)


def check_output(environment: Environment, destination: Destination) -> None:
    """Refuse an output inside of what is packed, or around it, and in place of more than an environment. Raises OutputFailed."""
    match destination:
        case InPlace(path):
            _check_in_place(environment, path)
        case ToDirectory(path) | ToFile(path):
            target = os.path.realpath(path)
            for source in (os.path.realpath(environment.root), environment.interpreter.stdlib):
                if lies_in(target, source) or lies_in(source, target):
                    raise OutputFailed(
                        f"{path} and {source}, which is packed, lie one in the other", "choose another --out"
                    )


def _check_in_place(environment: Environment, path: str) -> None:
    """The environment at `path` may become a bundle, and what a link there leads to; not what a file or a variable names."""
    from bundler.environment import EnvironmentKind
    from bundler.sinks.placement import is_bundle

    if environment.kind is not EnvironmentKind.VENV and not is_bundle(environment.root):
        raise OutputFailed(
            f"{environment.root} is no virtual environment: what else lies in it would be lost",
            "use --out; --in-place is for virtual environments and bundles",
        )
    if os.path.realpath(path) != os.path.realpath(environment.root):
        raise OutputFailed(
            f"--in-place would turn {environment.root} into a bundle, which lies elsewhere than {path}",
            f"if that is meant, name it: bundler pack {environment.root} --in-place",
        )
