"""`bundler pack`: words in, one call, a report out.

An option is one line here and one field in `bundler.options`: `option_names` finds the field by the option's name, and says what
values there are.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bundler.cli.configured import (
    ConfiguredCommand,
    ConfiguredOption,
    configuration_of,
    configured_options,
    configured_parameters,
)
from bundler.cli.grouped import given_in_order, option_group
from bundler.cli.output import CONTEXT, FAULTS_FOUND, examples, say, shown_progress
from bundler.cli.target import completed_target
from bundler.destination import STANDARD_OUTPUT, archive_of
from bundler.fitting import without_unfitting
from bundler.formats import ARCHIVES
from bundler.option_names import with_chosen
from bundler.options import PackOptions, Secret

if TYPE_CHECKING:
    from bundler.report import PackReport

source = option_group("Source", ConfiguredOption)
output = option_group("Output", ConfiguredOption)
content = option_group("Content", ConfiguredOption)
libraries = option_group("Shared libraries", ConfiguredOption)
image = option_group("Container images", ConfiguredOption)
work = option_group("Running", ConfiguredOption)
messages = option_group("Messages", ConfiguredOption)


@click.command(
    cls=ConfiguredCommand,
    context_settings=CONTEXT,
    epilog=examples(
        ("the environment .venv as a directory", "bundler pack --out dist/app"),
        (
            "a small archive whose bin/start runs app.cli.main",
            "bundler pack --out app.tar.gz --profile runtime --entry app.cli:main",
        ),
        (
            "another environment as a container image",
            "bundler pack /opt/venv --out app.oci.tar --entry 'bin/app serve'",
        ),
        ("the next version, of which only what changed is written", "bundler pack --out dist/app --update"),
        (
            "the same for an archive, from the one of the version before",
            "bundler pack --out b.tar.zst --reuse a.tar.zst",
        ),
        ("what would come along, and how much it is", "bundler pack --out dist/app --dry-run -v"),
        ("one that must run on Debian 11", "bundler pack --out dist/app --target debian11"),
        ("turn the environment itself into a bundle", "bundler pack .venv --in-place"),
        ("an archive that its receivers can hold against a key", "bundler pack --out app.tar.zst --sign key.pem"),
    ),
)
@click.argument("env", required=False, type=click.Path(), metavar="[ENV]")
@source(
    "--root",
    metavar="DIR",
    help="The directory that ENV sees as /: an unpacked image, a sysroot. C:=DIR: drive C: of a Windows.",
)
@source("--probe/--no-probe", help="Run ENV's Python for its facts (default), or read them from files.")
@output(
    "--out",
    type=click.Path(),
    metavar="PATH",
    help=f"Directory, or archive by suffix: {', '.join(form.suffixes[0] for form in ARCHIVES)}; - for standard output.",
)
@output("--in-place", help="Instead of --out: turn the environment itself into a bundle.")
@output("--format", help="The format, whatever the suffix.")
@output("--force", help="Replace what is at PATH: a bundle or an archive, never another directory.")
@output("--update", help="Write only what changed since the last pack to PATH: a directory, or an archive of frames.")
@output("--reuse", metavar="FILE", help="Take over what is the same in another archive of the same format.")
@output("--link", help="How unchanged files get into a directory (default: auto).")
@output("--symlinks", help="With none, files take the places of links (default: keep).")
@output("--top", metavar="NAME", help="Put a folder of this name on top of an archive.")
@output("--page", metavar="FILE", help="Make an HTML page of what is in the bundle, too (bundler inspect --html).")
@output("--level", metavar="N", help="Compression level of an archive.")
@output("--sign", metavar="KEY", help="Sign the bundle by a private key (PEM, OpenSSH); see verify --key.")
@content(
    "--profile",
    help="How much of Python comes along (default: standard, without its own tests); packages are always whole.",
)
@content("--exclude", metavar="GLOB", help="Leave paths of the bundle out: patterns of .gitignore.")
@content("--include", metavar="GLOB", help="Take paths along after all; the last pattern that fits decides.")
@content(
    "--editable",
    help="Editable installs: copy the files where they point (default), build a wheel, or refuse them.",
)
@content(
    "--system-site/--no-system-site",
    help="Take the base's packages along where the environment uses them (the default), or do not.",
)
@content("--build-network", help="Let --editable build fetch what a project's build asks for.")
@content("--add", metavar="SRC[=DEST]", help="Take a file or folder of your own along, as DEST.")
@content("--entry", metavar="COMMAND", help="Start command: module:function, or 'bin/app serve'. Makes bin/start.")
@content("--readme/--no-readme", help="Put a README.txt on top for who gets it (the default), or do not.")
@content("--pyc", help="Compiled modules: as they are (directories), made anew (archives), or left out.")
@content("--isolated", help="Scripts ignore the variables PYTHON* and the user's own site-packages.")
@content("--launcher", help="What starts scripts: a header in sh (default), or a program (native; Linux).")
@content("--keep-modes", help="Archives keep modes that lock others out.")
@content("--allow-incomplete", help="Pack distributions that are not whole, and editables to which nothing leads.")
@content(
    "--leaks", help="Credentials are refused and names told (default): refuse both, tell both, or allow both unseen."
)
@content(
    "--allow-leak", metavar="[KIND:]GLOB", help="Let what is found at paths of the bundle pass: patterns of .gitignore."
)
@content(
    "--sbom", help="Put a bill of materials into the bundle, as bundle.cdx.json or bundle.spdx.json, and beside PATH."
)
@content("--licences", metavar="DIR", help="Collect the licence texts of all that comes along in a new folder.")
@libraries(
    "--libc",
    help="Whose libc it runs on: the target's (host, the default), its own (bundle), or the target's if that will do (auto).",
)
@libraries(
    "--target",
    metavar="NAME",
    shell_complete=completed_target,
    help="Fail unless it would run there: debian11, rhel8, manylinux_2_28, glibc2.31, macos13, …",
)
@libraries("--exclude-lib", metavar="NAME|GLOB", help="Leave shared libraries to the host.")
@libraries(
    "--include-lib",
    metavar="NAME|PATH",
    help="Take a shared library along, asked for or not.",
)
@libraries("--trace", metavar="COMMAND", help="Run a command in ENV first: the libraries that it opens come along.")
@libraries("--trace-save", is_flag=True, help="Keep what --trace learned in [tool.bundler].")
@libraries("--fix-execstack", help="Clear the flags of executable stacks, which glibc 2.41 refuses.")
@libraries(
    "--thin",
    help="macOS: keep one architecture of universal files.",
)
@image("--base", metavar="IMAGE.tar|scratch", help="The image to put the bundle on (default: scratch).")
@image(
    "--image-name",
    metavar="NAME[:TAG]",
    help="The name that podman load gives it (default: the application's name and version).",
)
@image("--image-user", metavar="USER", help="The user that the command runs as.")
@image("--image-env", metavar="NAME=VALUE", help="An environment variable.")
@image("--image-label", metavar="NAME=VALUE", help="A label.")
@work("-j", "--threads", metavar="N", help="Files or blocks at once.")
@work("--verify/--no-verify", help="Audit the bundle (the default), or do not.")
@work("--audit", help="Import all top-level modules (full, the default), or extension modules only.")
@work("--runner", metavar="COMMAND", help="What runs the bundle's programs for the audit: wine64, an emulator.")
@work("--cache/--no-cache", help="Use what earlier packs learned and compiled (the default), or do not.")
@work(
    "--config", type=click.Path(), metavar="FILE", help="Read [tool.bundler] here (default: pyproject.toml beside ENV)."
)
@work("--dry-run", help="Plan and report; write nothing.")
@messages("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@messages("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@messages("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
@click.pass_context
def pack(
    context: click.Context,
    /,
    env: str | None,
    out: str | None,
    trace_save: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **chosen: object,
) -> None:
    """Make a bundle of the environment ENV (default: .venv).

    ENV is a virtual environment, or a Python installation that stands by itself. Without ENV it is that of
    this folder or of one above it in the project, else the active environment.
    """
    from bundler import pack as run_pack
    from bundler.environment.choice import DEFAULT, choose_environment
    from bundler.report_lines import as_lines

    options = options_of(context)
    out = (env or DEFAULT) if options.in_place else out
    if out is None:
        raise click.UsageError("Missing option '--out' or '--in-place'.")
    # What a configuration says for another format than that of this pack is no mistake of whoever asks for it.
    form = None if options.in_place else archive_of(out, options.format)
    options = without_unfitting(options, form, configured_parameters(context))
    if out == STANDARD_OUTPUT and as_json:
        raise click.UsageError("--json and --out - both want standard output")
    options = with_passphrase(options)
    environment = choose_environment(env, options.root)
    if environment.reason and not quiet and not as_json:
        say(environment.line(in_place=options.in_place))
    keep_in = _place_of_learned(context, options) if trace_save else None
    with shown_progress(quiet, verbose) as progress:
        result = run_pack(environment.path, out, options, progress)
    kept = _keep_learned(keep_in, result)
    if as_json:
        click.echo(json.dumps({"environment": asdict(environment), **result.to_dict(), "kept": kept}, indent=1))
    elif not quiet:
        for line in as_lines(result, verbose=verbose):
            say(line)
        for line in kept:
            say(f"kept in {keep_in}: {line}")
    if result.faults:
        sys.exit(FAULTS_FOUND)


def with_passphrase(options: PackOptions) -> PackOptions:
    """The options with the passphrase of the key that signs, which a person is asked for. Raises BadKey, ExtraMissing."""
    if not options.sign or not sys.stdin.isatty():
        return options
    from bundler.signing.signer import needs_passphrase

    if not needs_passphrase(options.sign):
        return options
    text = click.prompt(f"passphrase of {options.sign}", hide_input=True, err=True)
    return replace(options, passphrase=Secret(text))


def _place_of_learned(context: click.Context, options: PackOptions) -> str | None:
    """The file that keeps what the pack learns; None where it learns nothing. Raises UsageError, BadConfiguration."""
    if options.trace and not options.dry_run:
        return configuration_of(context)
    if context.get_parameter_source("trace_save") is ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "--trace-save and --dry-run exclude each other" if options.trace else "--trace-save needs --trace"
        )
    return None


def _keep_learned(path: str | None, result: PackReport) -> list[str]:
    """Keep it; a line for each option that has grown."""
    if path is None or result.traced is None:
        return []
    from bundler.cli.saving import save_learned

    return save_learned(path, result.traced.learned.options())


def options_of(context: click.Context) -> PackOptions:
    """The options that the words mean. Raises UsageError for `--out` beside `--in-place`."""
    chosen = context.params
    if chosen["in_place"] and context.get_parameter_source("out") is ParameterSource.COMMANDLINE:
        if context.get_parameter_source("in_place") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--out and --in-place exclude each other")
        chosen = {**chosen, "in_place": False}
    patterns = given_in_order(context, {"exclude": chosen["exclude"], "include": chosen["include"]})
    given = {name: value for name, value in chosen.items() if value is not None}
    return with_chosen(PackOptions(configured=configured_options(context)), given, patterns)
