"""`bundler fix`: make the scripts move that an installer wrote into a bundle."""

from __future__ import annotations

import json

import click

from bundler.cli.output import CONTEXT, examples, say


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("after an installer wrote scripts into it", "bundler fix dist/app"),
        ("tell only which ones", "bundler fix dist/app --dry-run"),
    ),
)
@click.argument("bundle")
@click.option("--dry-run", is_flag=True, help="Tell what would be mended; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def fix(bundle: str, dry_run: bool, as_json: bool) -> None:
    """Mend the scripts that pip wrote into BUNDLE, a directory: they then find it wherever it is."""
    from bundler.fixing import fix as run_fix

    report = run_fix(bundle, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=1))
    else:
        for line in report.lines():
            say(line)
