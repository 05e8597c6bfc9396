"""`bundler pack`: words in, one call, a report out."""

from __future__ import annotations

import json
import os
import sys

import click

from bundler.cli.output import CONTEXT, FAULTS_FOUND, say, shown_progress

FORMAT_NAMES = ("directory", "tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "oci.tar", "run")


@click.command(context_settings=CONTEXT)
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
@click.option(
    "--root", default="/", metavar="DIR", help="The directory that ENV sees as /: an unpacked image, a sysroot."
)
@click.option("--no-probe", is_flag=True, help="Run nothing of ENV: read its facts from files.")
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
    root: str,
    no_probe: bool,
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
        root=root,
        probe=not no_probe,
        verify=not no_verify,
        dry_run=dry_run,
    )
    with shown_progress(quiet, verbose) as progress:
        result = run_pack(env, out, options, progress)
    if as_json:
        click.echo(json.dumps(report.as_json(result), indent=1))
    elif not quiet:
        for line in report.as_lines(result, verbose=verbose):
            say(line)
    if result.faults:
        sys.exit(FAULTS_FOUND)
