"""`bundler verify`: the audit of a bundle."""

from __future__ import annotations

import json
import sys

import click

from bundler.cli.output import CONTEXT, FAULTS_FOUND, examples, say
from bundler.cli.target import completed_target
from bundler.options import AuditDepth


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("a directory: its files, then what it imports", "bundler verify dist/app"),
        ("somebody's archive, of which nothing is run", "bundler verify app.tar.gz"),
        ("a bundle for Windows, on Linux", "bundler verify dist/app --runner wine64"),
        ("whether it would run on RHEL 8", "bundler verify app.tar.gz --target rhel8"),
        ("the same, unpacked for a while and run", "bundler verify app.tar.gz --run --audit quick"),
        ("whether it is what its maker signed", "bundler verify app.tar.gz --key maker.pub"),
    ),
)
@click.argument("bundle")
@click.option(
    "--run/--no-run", default=None, help="Start the bundle's Python and import all modules (default: for directories)."
)
@click.option(
    "--audit",
    type=click.Choice([depth.value for depth in AuditDepth]),
    default=AuditDepth.FULL.value,
    help="Import all top-level modules (full, the default), or extension modules only.",
)
@click.option(
    "--runner", default="", metavar="COMMAND", help="What runs its programs on this machine: wine64, an emulator."
)
@click.option(
    "--target",
    default="",
    metavar="NAME",
    shell_complete=completed_target,
    help="Whether it would run there: debian11, rhel8, manylinux_2_28, … (default: what it was packed for).",
)
@click.option(
    "--key", default="", metavar="FILE", help="Believe nothing that this public key has not signed. Means --strict."
)
@click.option(
    "--signature",
    default="",
    metavar="FILE",
    help="The signature, if it lies neither in the bundle nor beside it.",
)
@click.option(
    "--strict/--no-strict", default=None, help="What was added after the pack is a fault, too (default: with --key)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
def verify(
    bundle: str,
    run: bool | None,
    audit: str,
    runner: str,
    target: str,
    key: str,
    signature: str,
    strict: bool | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Audit a bundle: a directory, or an archive of any format, which is not extracted unless it is to be run."""
    from bundler.audit import verify as run_verify

    if signature and not key:
        raise click.UsageError("--signature needs --key: the public key that it is held against")
    result = run_verify(
        bundle, run=run, strict=strict, audit=audit, runner=runner, target=target, key=key, signature=signature
    )
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1))
    else:
        for line in result.lines(verbose):
            say(line)
    if result.faults:
        sys.exit(FAULTS_FOUND)
