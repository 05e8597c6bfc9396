"""`bundler pack`: words in, one call, a report out.

An option is one line here and one field in `bundler.options`: the option's parameter bears the field's name (`image_` and the
name for an image's), and its default is the field's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

import click
from click.core import ParameterSource

from bundler.cli.configured import ConfiguredCommand
from bundler.cli.grouped import filled, given_in_order, option_group
from bundler.cli.output import CONTEXT, FAULTS_FOUND, say, shown_progress
from bundler.destination import STANDARD_OUTPUT
from bundler.formats import ARCHIVES, FORMAT_NAMES
from bundler.options import (
    AuditDepth,
    ContentOptions,
    EditableMode,
    ImageOptions,
    LinkMode,
    PackOptions,
    Profile,
    Pyc,
    Symlinks,
)

source = option_group("Source")
output = option_group("Output")
content = option_group("Content")
libraries = option_group("Shared libraries")
image = option_group("Container images")
work = option_group("Running")
messages = option_group("Messages")


@click.command(cls=ConfiguredCommand, context_settings=CONTEXT)
@click.argument("env", required=False, type=click.Path(), metavar="[ENV]")
@source(
    "--root", type=click.Path(), metavar="DIR", help="The directory that ENV sees as /: an unpacked image, a sysroot."
)
@source("--probe/--no-probe", default=None, help="Run ENV's Python for its facts (default), or read them from files.")
@output(
    "--out",
    type=click.Path(),
    metavar="PATH",
    help=f"Directory, or archive by suffix: {', '.join(form.suffixes[0] for form in ARCHIVES)}; - for standard output.",
)
@output("--in-place", is_flag=True, help="Instead of --out: turn the environment itself into a bundle.")
@output("--format", type=click.Choice(FORMAT_NAMES), help="The format, whatever the suffix.")
@output("--force", is_flag=True, help="Replace what is at PATH: a bundle or an archive, never another directory.")
@output("--update", is_flag=True, help="Touch only what changed since the last pack to PATH, a directory.")
@output("--link", one_of=LinkMode, help="How unchanged files get into a directory (default: auto).")
@output("--symlinks", one_of=Symlinks, help="With none, files take the places of links (default: keep).")
@output("--top", metavar="NAME", help="Put a folder of this name on top of an archive.")
@output("--level", type=int, metavar="N", help="Compression level of an archive.")
@content("--profile", one_of=Profile, help="How much of Python comes along (default: full); packages are always whole.")
@content("--exclude", multiple=True, metavar="GLOB", help="Leave paths of the bundle out: patterns of .gitignore.")
@content(
    "--include", multiple=True, metavar="GLOB", help="Take paths along after all; the last pattern that fits decides."
)
@content(
    "--editable",
    one_of=EditableMode,
    help="Editable installs: copy the files where they point (default), build a wheel, or refuse them.",
)
@content(
    "--system-site/--no-system-site",
    default=None,
    help="Take the base's packages along where the environment uses them (the default), or do not.",
)
@content("--build-network", is_flag=True, help="Let --editable build fetch what a project's build asks for.")
@content("--add", multiple=True, metavar="SRC[=DEST]", help="Take a file or folder of your own along, as DEST.")
@content("--entry", metavar="COMMAND", help="Start command: module:function, or 'bin/app serve'. Makes bin/start.")
@content("--readme/--no-readme", default=None, help="Put a README.txt on top for who gets it (the default), or do not.")
@content("--pyc", one_of=Pyc, help="Compiled modules: as they are (directories), made anew (archives), or left out.")
@content("--isolated", is_flag=True, help="Scripts ignore the variables PYTHON* and the user's own site-packages.")
@content("--keep-modes", is_flag=True, help="Archives keep modes that lock others out.")
@content("--allow-incomplete", is_flag=True, help="Pack distributions of which modules are missing.")
@libraries(
    "--exclude-lib", "exclude_libs", multiple=True, metavar="NAME|GLOB", help="Leave shared libraries to the host."
)
@libraries(
    "--include-lib",
    "include_libs",
    multiple=True,
    metavar="NAME|PATH",
    help="Take a shared library along, asked for or not.",
)
@libraries("--fix-execstack", is_flag=True, help="Clear the flags of executable stacks, which glibc 2.41 refuses.")
@libraries(
    "--thin",
    type=click.Choice(["arm64", "x86_64"]),
    help="macOS: keep one architecture of universal files.",
)
@image("--base", "image_base", metavar="IMAGE.tar|scratch", help="The image to put the bundle on (default: scratch).")
@image("--image-name", metavar="NAME[:TAG]", help="The name that podman load gives it.")
@image("--image-user", metavar="USER", help="The user that the command runs as.")
@image("--image-env", "image_variables", multiple=True, metavar="NAME=VALUE", help="An environment variable.")
@image("--image-label", "image_labels", multiple=True, metavar="NAME=VALUE", help="A label.")
@work("-j", "--threads", type=click.IntRange(1), metavar="N", help="Files or blocks at once.")
@work("--verify/--no-verify", default=None, help="Audit the bundle (the default), or do not.")
@work("--audit", one_of=AuditDepth, help="Import all top-level modules (full, the default), or extension modules only.")
@work("--cache/--no-cache", default=None, help="Use what earlier packs learned and compiled (the default), or do not.")
@work(
    "--config", type=click.Path(), metavar="FILE", help="Read [tool.bundler] here (default: pyproject.toml beside ENV)."
)
@work("--dry-run", is_flag=True, help="Plan and report; write nothing.")
@messages("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@messages("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@messages("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
@click.pass_context
def pack(
    context: click.Context,
    /,
    env: str | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **chosen: object,
) -> None:
    """Make a bundle of the environment ENV (default: .venv).

    ENV is a virtual environment, or a Python installation that stands by itself. Without ENV and .venv it is the last line of
    .python-envs, else the active environment.
    """
    from bundler import pack as run_pack
    from bundler import report
    from bundler.environment.choice import DEFAULT, choose_environment

    options = options_of(context)
    out = (env or DEFAULT) if options.in_place else out
    if out is None:
        raise click.UsageError("Missing option '--out' or '--in-place'.")
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both want standard output")
    environment = choose_environment(env, options.root)
    if environment.reason and not quiet and not as_json:
        say(environment.line(in_place=options.in_place))
    with shown_progress(quiet, verbose) as progress:
        result = run_pack(environment.path, out, options, progress)
    if as_json:
        click.echo(json.dumps({"environment": asdict(environment), **report.as_json(result)}, indent=1))
    elif not quiet:
        for line in report.as_lines(result, verbose=verbose):
            say(line)
    if result.faults:
        sys.exit(FAULTS_FOUND)


def options_of(context: click.Context) -> PackOptions:
    """The options that the words mean. Raises UsageError for `--out` beside `--in-place`."""
    chosen = context.params
    if chosen["in_place"] and context.get_parameter_source("out") is ParameterSource.COMMANDLINE:
        if context.get_parameter_source("in_place") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--out and --in-place exclude each other")
        chosen = {**chosen, "in_place": False}
    patterns = given_in_order(context, {"exclude": chosen["exclude"], "include": chosen["include"]})
    content_options = replace(
        filled(ContentOptions(), chosen),
        patterns=tuple("!" * (name == "include") + pattern for name, pattern in patterns),
    )
    image_options = filled(ImageOptions(), chosen, "image_")
    return filled(PackOptions(content=content_options, image=image_options), chosen)
