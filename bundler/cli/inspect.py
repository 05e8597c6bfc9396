"""`bundler inspect`: facts of an environment, a bundle or one binary."""

from __future__ import annotations

import json

import click

from bundler.cli.output import CONTEXT, examples, printable


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("an environment, as pack would see it", "bundler inspect .venv"),
        ("a bundle: what it needs, and what is in it", "bundler inspect dist/app --json"),
        ("one binary", "bundler inspect dist/app/bin/python3"),
    ),
)
@click.argument("path")
@click.option(
    "--root", default="/", metavar="DIR", help="The directory that an environment sees as /. C:=DIR: its drive C:."
)
@click.option("--no-probe", is_flag=True, help="Run nothing of an environment: read its facts from files.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def inspect(path: str, root: str, no_probe: bool, as_json: bool) -> None:
    """Show what is in an environment, a bundle or one binary."""
    from bundler.inspection import inspect as run_inspect

    facts = run_inspect(path, root, probe=not no_probe)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    for name, value in facts.items():
        if isinstance(value, list):
            click.echo(f"{name}: {len(value)}")
            for item in value:
                click.echo(f"  {printable(item)}")
        else:
            click.echo(f"{name}: {'none' if value in (None, '') else printable(str(value))}")
