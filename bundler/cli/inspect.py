"""`bundler inspect`: facts of an environment, a bundle or one binary."""

from __future__ import annotations

import json

import click

from bundler.cli.output import CONTEXT, examples, printable, say
from bundler.options import SbomFormat


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("an environment, as pack would see it", "bundler inspect .venv"),
        ("a bundle: what it needs, and what is in it", "bundler inspect dist/app --json"),
        ("its bill of materials", "bundler inspect dist/app.tar.gz --sbom cyclonedx"),
        ("the licences of all that is in it", "bundler inspect dist/app --licences licences"),
        ("one binary", "bundler inspect dist/app/bin/python3"),
    ),
)
@click.argument("path")
@click.option(
    "--root", default="/", metavar="DIR", help="The directory that an environment sees as /. C:=DIR: its drive C:."
)
@click.option("--no-probe", is_flag=True, help="Run nothing of an environment: read its facts from files.")
@click.option(
    "--sbom",
    type=click.Choice([form.value for form in SbomFormat]),
    help="Print the bill of materials of a bundle, a directory or an archive.",
)
@click.option(
    "--licences",
    type=click.Path(),
    metavar="DIR",
    help="Collect the licence texts of all that is in a bundle in a new folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def inspect(path: str, root: str, no_probe: bool, sbom: str | None, licences: str | None, as_json: bool) -> None:
    """Show what is in an environment, a bundle or one binary."""
    if sbom is not None or licences is not None:
        _materials(path, sbom, licences)
        return
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


def _materials(path: str, sbom: str | None, licences: str | None) -> None:
    """What other tools, and lawyers, want to know of a bundle."""
    from bundler.materials import bill_of_materials, collect_licences

    if licences is not None:
        for component in collect_licences(path, licences):
            say(f"note: no licence text came with {component}")
        say(f"wrote {licences}")
    if sbom is not None:
        click.echo(bill_of_materials(path, sbom), nl=False)
