"""`bundler inspect`: facts of an environment, a bundle or one binary."""

from __future__ import annotations

import json

import click

from bundler.cli.output import CONTEXT


@click.command(context_settings=CONTEXT)
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
