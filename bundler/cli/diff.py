"""`bundler diff`: what differs between two bundles."""

from __future__ import annotations

import json
import sys

import click

from bundler.cli.output import CONTEXT, DIFFERENT, examples


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("two versions, of any formats", "bundler diff app-1.0.tar.zst dist/app"),
        ("every file that is not the same", "bundler diff old.zip new.zip -v"),
        ("the same for a program", "bundler diff old.zip new.zip --json"),
    ),
)
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="List every file.")
def diff(old: str, new: str, as_json: bool, verbose: bool) -> None:
    """Tell what differs between two bundles: distributions, libraries, sizes, what they need.

    Each is a directory, or an archive as it lies. Times are not compared, nor how an archive is packed. Exit status: 0 where
    nothing differs, 3 where something does; 1 and 2 as everywhere.
    """
    from bundler.comparison import diff as run_diff

    found = run_diff(old, new)
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1))
    else:
        from bundler.cli.compared import shown_difference
        from bundler.cli.drawing import draw

        draw(*shown_difference(found, verbose=verbose))
    if not found.same:
        sys.exit(DIFFERENT)
