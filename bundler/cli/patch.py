"""`bundler patch`: change search paths and names in binaries. Decides nothing: each file's format does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from bundler.cli.output import CONTEXT, examples, say
from bundler.machine import os
from bundler.printable import printable

if TYPE_CHECKING:
    from bundler.binaries.format import BinaryFacts
    from bundler.binaries.request import Request
    from bundler.binaries.several import Result

_PRINTS = ("rpath", "needed", "soname", "interpreter")


def _edit_options(command: Callable[..., None]) -> Callable[..., None]:
    """The words of `request.Request`, one option each."""
    options = (
        click.option("--set-rpath", metavar="R", help="The new search path; directories are separated by colons."),
        click.option("--add-rpath", metavar="R", multiple=True, help="A directory that is searched behind the others."),
        click.option("--remove-rpath", is_flag=True, help="No search path any more."),
        click.option("--shrink-rpath", is_flag=True, help="Only directories in which a needed library is found."),
        click.option(
            "--allowed-prefix", metavar="P", multiple=True, help="With --shrink-rpath: only directories in P."
        ),
        click.option(
            "--keep-relative", is_flag=True, help="With --shrink-rpath: directories that are not absolute stay."
        ),
        click.option("--runpath", is_flag=True, help="Write DT_RUNPATH (LD_LIBRARY_PATH wins; not inherited)."),
        click.option("--rpath", is_flag=True, help="Write DT_RPATH (the default for a path that is changed)."),
        click.option("--add-needed", metavar="N", multiple=True, help="A library that is needed behind the others."),
        click.option(
            "--prepend-needed", metavar="N", multiple=True, help="A library that is needed before the others."
        ),
        click.option("--remove-needed", metavar="N", multiple=True, help="A library that is needed no more."),
        click.option(
            "--replace-needed", metavar="OLD NEW", nargs=2, multiple=True, help="Another name for a needed library."
        ),
        click.option("--set-soname", metavar="S", help="The name by which others need this library."),
        click.option("--set-interpreter", metavar="I", help="The loader that the kernel starts."),
        click.option(
            "--clear-symbol-version", metavar="S", multiple=True, help="A symbol that is bound without a version."
        ),
        click.option("--clear-execstack", is_flag=True, help="Ask for no executable stack, which glibc 2.41 refuses."),
        click.option(
            "--own-loader",
            metavar="P",
            help="Start with the loader P, relative to the program's folder, which the program maps itself.",
        ),
        click.option(
            "--host-from",
            metavar="V",
            help="With --own-loader: but with the system's where that is glibc's, of release V (2.36) or later.",
        ),
        click.option(
            "--own-rpath",
            metavar="R",
            help="With --host-from: the search path in place of the other with its own loader.",
        ),
        click.option("--host-loader", is_flag=True, help="Start with the loader of the system again."),
        click.option("--set-id", metavar="I", help="Mach-O: the install name of a library."),
        click.option("--change", metavar="OLD NEW", nargs=2, multiple=True, help="Mach-O: another name for a library."),
        click.option("--delete-rpath", metavar="P", multiple=True, help="Mach-O: one search path that goes."),
        click.option("--thin", metavar="ARCH", help="Mach-O: keep one architecture of a universal file."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _print_options(command: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(_PRINTS):
        command = click.option(f"--print-{name}", is_flag=True, help=f"Print the {name}; change nothing.")(command)
    return command


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("what a library needs, and where it looks for it", "bundler patch --print-needed --print-rpath libfoo.so"),
        ("look beside the file, too", "bundler patch --add-rpath '$ORIGIN' libfoo.so libbar.so"),
        (
            "another name for a needed library, in a new file",
            "bundler patch --replace-needed liba.so.1 libb.so.1 --output n.so libfoo.so",
        ),
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_edit_options
@_print_options
@click.option("--output", metavar="F", help="Leave FILE alone and write to F.")
@click.option("--overwrite", is_flag=True, help="Change the file itself instead of putting a new one in its place.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why in this way.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("-j", "--processes", type=click.IntRange(1), metavar="N", help="Processes that share many files.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def patch(
    files: Sequence[str],
    output: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    processes: int | None,
    quiet: bool,
    **words: object,
) -> None:
    """Change library search paths and names in binaries, all of a file in one step.

    A changed file is a new file in the place of the old one, with its mode, owner, times and extended attributes. All
    files are looked at before the first is changed: where one cannot be patched, none is.
    """
    from bundler.binaries.request import Request

    printed = [name for name in _PRINTS if words.pop(f"print_{name}")]
    request = Request(**words)  # type: ignore[arg-type]  # the options are the fields
    _check_usage(files, request, printed, output, overwrite)
    if printed:
        _print(files, printed, as_json)
        return
    from bundler.binaries.several import Destination, patch_files

    results = patch_files(files, request, Destination(output, overwrite, dry_run), processes or os.cpu_count() or 1)
    if as_json:
        changed = not dry_run and any(result is not None for result in results)
        click.echo(json.dumps({"changed": changed, "files": list(map(_as_json, files, results))}, indent=1))
        return
    for path, result in zip(files, results, strict=True):
        for line in _lines(path, result):
            if dry_run:
                click.echo(printable(line))
            elif not quiet:
                say(line)


def _check_usage(
    files: Sequence[str], request: Request, printed: Sequence[str], output: str | None, overwrite: bool
) -> None:
    given = request.given()
    if not given and not printed:
        raise click.UsageError("Nothing to do: give an edit, or what to print.")
    if given and printed:
        raise click.UsageError(f"--print-{printed[0]} changes nothing and does not go with {given[0]}.")
    if output is not None and (len(files) > 1 or overwrite):
        raise click.UsageError("--output takes one FILE, and does not go with --overwrite.")
    if request.rpath and request.runpath:
        raise click.UsageError("--rpath and --runpath exclude each other.")
    if request.host_loader and request.own_loader is not None:
        raise click.UsageError("--own-loader and --host-loader exclude each other.")
    if request.host_loader and (request.host_from is not None or request.own_rpath is not None):
        raise click.UsageError("--host-from and --own-rpath do not go with --host-loader.")
    if request.remove_rpath and request.set_rpath is not None:
        raise click.UsageError("--remove-rpath and --set-rpath exclude each other.")
    for option, there in (("--allowed-prefix", request.allowed_prefix), ("--keep-relative", request.keep_relative)):
        if there and not request.shrink_rpath:
            raise click.UsageError(f"{option} goes with --shrink-rpath.")


def _facts(files: Sequence[str], told: Sequence[str]) -> list[BinaryFacts]:
    """The facts of each file; all errors together, each with its file's name.

    MissingFact where an interpreter is `told` and the file names none: by this a program is told from a library.
    """
    from bundler.binaries.formats import facts
    from bundler.binaries.replace import open_source
    from bundler.errors import BundlerError, MissingFact, raise_all

    found, errors = list["BinaryFacts"](), list[BundlerError]()
    for path in files:
        try:
            with open_source(path) as file:
                found.append(facts(file))
            if "interpreter" in told and found[-1].interpreter is None:
                raise MissingFact("the file names no interpreter: it is a library, or a program that needs none")
        except BundlerError as error:
            errors.append(error.at(path))
    raise_all(errors)
    return found


def _lines(path: str, result: Result | None) -> list[str]:
    if result is None:
        return [f"{path}: nothing to change"]
    return [
        f"{path}: {result.method}: {result.explanation}",
        *(f"  not {reason}" for reason in result.reasons),
        *(f"  {note}" for note in result.notes),
    ]


def _as_json(path: str, result: Result | None) -> dict[str, object]:
    import dataclasses

    return {"path": path, "method": None} if result is None else {"path": path, **dataclasses.asdict(result)}


def _print(files: Sequence[str], printed: Sequence[str], as_json: bool) -> None:
    """The facts of each file, one a line; with the file's name in front where there are several."""
    found = list(zip(files, _facts(files, () if as_json else printed), strict=True))
    if as_json:
        values = [{"path": path, **{name: getattr(each, name) for name in printed}} for path, each in found]
        click.echo(json.dumps({"changed": False, "files": values}, indent=1))
        return
    for path, each in found:
        for name in printed:
            value = getattr(each, name)
            for text in value if isinstance(value, tuple) else (value or "",):
                line = f"{path}: {text}" if len(files) > 1 else text
                click.echo(os.fsencode(line) + b"\n", nl=False)
