"""The command line: words in, progress and reports out. Decides nothing."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from bundler.version import VERSION

if TYPE_CHECKING:
    from bundler.progress import Progress

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
FAULTS_FOUND = 3
FORMAT_NAMES = ("directory", "tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "oci.tar", "run")


@click.group(context_settings=_CONTEXT)
@click.version_option(VERSION, prog_name="bundler")
def bundler() -> None:
    """Pack a Python environment, its interpreter and every shared library into one tree that runs anywhere."""


@bundler.command(context_settings=_CONTEXT)
@click.argument("env", default=".venv", metavar="[ENV]")
@click.option(
    "--out",
    required=True,
    metavar="PATH",
    help="Directory, or archive by suffix: .tar, .tar.gz, .tar.zst, .tar.xz, .tar.bz2, .zip, .squashfs, .oci.tar, .run;"
    " - for standard output.",
)
@click.option("--format", "form", type=click.Choice(FORMAT_NAMES), help="The format, whatever the suffix.")
@click.option("--force", is_flag=True, help="Replace what is at PATH: a bundle or an archive, never another directory.")
@click.option("--top", default="", metavar="NAME", help="Put a folder of this name on top of an archive.")
@click.option("--level", type=int, default=None, metavar="N", help="Compression level of an archive.")
@click.option(
    "--add", multiple=True, metavar="SRC[=DEST]", help="Take a file or folder of your own along, at DEST in the bundle."
)
@click.option(
    "--entry",
    default="",
    metavar="COMMAND",
    help="Start command: module:function, or 'bin/app serve'. Makes bin/start.",
)
@click.option(
    "--symlinks", type=click.Choice(["keep", "none"]), default="keep", help="With none, files take the places of links."
)
@click.option(
    "--pyc",
    type=click.Choice(["keep", "compile", "none"]),
    default=None,
    help="Compiled modules: as they are (directories), made anew (archives), or none.",
)
@click.option("--base", default="scratch", metavar="IMAGE.tar|scratch", help="OCI: the image to put the bundle on.")
@click.option("--image-name", default="", metavar="NAME[:TAG]", help="OCI: the name that podman load gives it.")
@click.option("--image-user", default="", metavar="USER", help="OCI: the user that the command runs as.")
@click.option("--image-env", multiple=True, metavar="NAME=VALUE", help="OCI: an environment variable.")
@click.option("--image-label", multiple=True, metavar="NAME=VALUE", help="OCI: a label.")
@click.option(
    "--link",
    type=click.Choice(["auto", "copy", "hardlink", "reflink"]),
    default="auto",
    help="How unchanged files get into a directory.",
)
@click.option("--exclude-lib", multiple=True, metavar="NAME", help="Leave a shared library to the host.")
@click.option(
    "--include-lib", multiple=True, metavar="NAME|PATH", help="Take a shared library along, asked for or not."
)
@click.option("-j", "threads", type=click.IntRange(1), default=None, metavar="N", help="Files or blocks at once.")
@click.option("--no-verify", is_flag=True, help="Do not audit the bundle.")
@click.option("--dry-run", is_flag=True, help="Plan and report; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
def pack(
    env: str,
    out: str,
    form: str | None,
    force: bool,
    top: str,
    level: int | None,
    add: tuple[str, ...],
    entry: str,
    symlinks: str,
    pyc: str | None,
    base: str,
    image_name: str,
    image_user: str,
    image_env: tuple[str, ...],
    image_label: tuple[str, ...],
    link: str,
    exclude_lib: tuple[str, ...],
    include_lib: tuple[str, ...],
    threads: int | None,
    no_verify: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make a bundle of the environment ENV (default: .venv).

    ENV is a virtual environment, or a Python installation that stands by itself.
    """
    from bundler import ImageOptions, LinkMode, PackOptions, PlanOptions, Pyc, report
    from bundler import pack as run_pack

    if out == "-" and as_json:
        raise click.UsageError("--json and --out - both want standard output")
    options = PackOptions(
        plan=PlanOptions(exclude_lib, include_lib, add, entry, symlinks == "keep"),
        image=ImageOptions(base, image_user, image_env, image_label, image_name),
        format=form,
        pyc=Pyc(pyc) if pyc else None,
        force=force,
        link=LinkMode(link),
        threads=threads or os.cpu_count() or 1,
        top=top,
        level=level,
        verify=not no_verify,
        dry_run=dry_run,
    )
    with _progress(quiet, verbose) as progress:
        result = run_pack(env, out, options, progress)
    if as_json:
        click.echo(json.dumps(report.as_json(result), indent=1))
    elif not quiet:
        for line in report.as_lines(result, verbose=verbose):
            _say(line)
    if result.faults:
        sys.exit(FAULTS_FOUND)


@bundler.command(context_settings=_CONTEXT)
@click.argument("bundle")
@click.option(
    "--run/--no-run", default=None, help="Start the bundle's Python and import all modules (default: for directories)."
)
@click.option("--strict", is_flag=True, help="What was added after the pack is a fault, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
def verify(bundle: str, run: bool | None, strict: bool, as_json: bool, verbose: bool) -> None:
    """Audit a bundle: a directory, or an archive of any format, which is not extracted unless it is to be run."""
    from bundler.audit import verify as run_verify

    result = run_verify(bundle, run=os.path.isdir(bundle) if run is None else run, strict=strict)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=1))
    else:
        for line in result.lines(verbose):
            _say(line)
    if result.faults:
        sys.exit(FAULTS_FOUND)


@bundler.command(context_settings=_CONTEXT)
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def inspect(path: str, as_json: bool) -> None:
    """Show what is in an environment, a bundle or one binary."""
    from bundler.inspection import inspect as run_inspect

    facts = run_inspect(path)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    for name, value in facts.items():
        if isinstance(value, list):
            click.echo(f"{name}: {len(value)}")
            for item in value:
                click.echo(f"  {item}")
        else:
            click.echo(f"{name}: {value}")


class Interrupted(BaseException):
    """A signal asked to stop; raised in the main thread, so that everything unfinished is removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> NoReturn:
    """The command `bundler`. Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 an audit found faults."""
    from bundler.errors import BundlerError

    gc.disable()  # a command makes many values, keeps them all, and ends
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        bundler(standalone_mode=False)
    except BundlerError as error:
        _say(f"error: {error.message}")
        if error.hint:
            _say(f"hint: {error.hint}")
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(1)
    except Interrupted as interrupted:
        _say("interrupted; nothing was left behind")
        sys.exit(128 + interrupted.number)
    except OSError as error:
        _say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(1)
    sys.exit(0)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once; a second signal does not disturb the clearing up."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def _say(line: str) -> None:
    """A message for a person: on standard error, with names that are not UTF-8 made printable."""
    click.echo(line.encode("utf-8", "backslashreplace").decode(), err=True)


@contextlib.contextmanager
def _progress(quiet: bool, verbose: bool) -> Iterator[Progress]:
    """A bar on a terminal, lines with -v, else silence."""
    from bundler.progress import Silent, Spoken

    if not quiet and sys.stderr.isatty():
        from bundler.terminal import progress_bar

        with progress_bar() as shown:
            yield shown
    elif verbose and not quiet:
        yield Spoken(_say)
    else:
        yield Silent()
