"""`bundler inspect`: facts of an environment, a bundle or one binary."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from bundler.cli.output import CONTEXT, examples, say
from bundler.machine import path_shown
from bundler.options import SbomFormat


@click.command(
    context_settings=CONTEXT,
    epilog=examples(
        ("an environment, as pack would see it", "bundler inspect .venv"),
        ("a bundle: what it needs, and what is in it", "bundler inspect dist/app --json"),
        ("what makes an archive large", "bundler inspect app.tar.zst --size"),
        ("who needs a library, up to what was installed", "bundler inspect dist/app --why libssl.so.3"),
        ("all of that as a page for a browser", "bundler inspect dist/app --html page.html"),
        ("its bill of materials", "bundler inspect dist/app.tar.gz --sbom cyclonedx"),
        ("the licences of all that is in it", "bundler inspect dist/app --licences licences"),
        ("one binary", "bundler inspect dist/app/bin/python3"),
    ),
)
@click.argument("path")
@click.option(
    "--size", is_flag=True, help="Of a bundle: its bytes by distribution and by kind of file, the most first."
)
@click.option(
    "--why",
    metavar="NAME",
    help="Of a bundle: who needs a library, a file or a distribution, and who needs that, up to what a person installed.",
)
@click.option(
    "--html",
    type=click.Path(),
    metavar="FILE",
    help="Of a bundle: make one HTML file of what is in it, to be opened in a browser; it needs no network.",
)
@click.option("--force", is_flag=True, help="Replace the FILE of --html.")
@click.option("--changed", is_flag=True, help="Of a bundle: the files that differ from their source, by reason.")
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
@click.option("-v", "--verbose", is_flag=True, help="List what is otherwise counted.")
def inspect(
    path: str,
    size: bool,
    why: str | None,
    html: str | None,
    force: bool,
    changed: bool,
    root: str,
    no_probe: bool,
    sbom: str | None,
    licences: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Show what is in an environment, a bundle (a directory, or an archive as it lies) or one binary."""
    wants_materials = sbom is not None or licences is not None
    if size + changed + (why is not None) + (html is not None) + wants_materials > 1:
        raise click.UsageError(
            "--size, --why, --html, --changed and --sbom are questions of their own: ask one at a time"
        )
    if force and html is None:
        raise click.UsageError("--force is for the FILE of --html")
    if html is not None:
        _make_page(path, html, force=force, as_json=as_json)
    elif wants_materials:
        _materials(path, sbom, licences)
    elif why is not None:
        _show_why(path, why, as_json=as_json, verbose=verbose)
    elif size:
        _show_sizes(path, as_json=as_json, verbose=verbose)
    elif changed:
        _show_changes(path, as_json=as_json)
    else:
        _show_facts(path, root, probe=not no_probe, as_json=as_json)


def _show_facts(path: str, root: str, *, probe: bool, as_json: bool) -> None:
    from bundler.cli.drawing import draw
    from bundler.cli.inspected import fact_lines, shown_bundle, shown_facts
    from bundler.inspection import inspect as run_inspect

    facts = run_inspect(path, root, probe=probe)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    elif not sys.stdout.isatty():
        draw(*fact_lines(facts))
    else:
        draw(*(shown_bundle(facts) if facts["kind"] == "bundle" else shown_facts(facts)))


def _make_page(path: str, html: str, *, force: bool, as_json: bool) -> None:
    from bundler.page.writing import PageFile, page_target

    with PageFile(page_target(html, force=force, trees=(path,))) as page:
        page.make(path)
        page.place()
    if as_json:
        click.echo(json.dumps({"kind": "bundle", "page": page.path}, indent=1))
    else:
        say(f"wrote {path_shown(page.path or html)}")


def _show_why(path: str, name: str, *, as_json: bool, verbose: bool) -> None:
    from bundler.cli.drawing import draw
    from bundler.cli.inspected import shown_causes
    from bundler.contents import read_contents
    from bundler.contents.why import why

    causes = why(read_contents(path), name)
    if as_json:
        click.echo(json.dumps({"kind": "bundle", "why": [cause.to_dict() for cause in causes]}, indent=1))
    else:
        draw(*shown_causes(causes, verbose=verbose))


def _show_sizes(path: str, *, as_json: bool, verbose: bool) -> None:
    from bundler.cli.drawing import draw
    from bundler.cli.inspected import shown_sizes
    from bundler.contents import read_contents
    from bundler.contents.sizes import sizes

    found = sizes(read_contents(path))
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=1))
    else:
        draw(*shown_sizes(found, verbose=verbose or not sys.stdout.isatty()))


def _show_changes(path: str, *, as_json: bool) -> None:
    from bundler.cli.drawing import draw
    from bundler.cli.inspected import shown_changes
    from bundler.inspection import changed_files

    changed = changed_files(path)
    if as_json:
        click.echo(json.dumps({"kind": "bundle", "changed": [asdict(change) for change in changed]}, indent=1))
    else:
        draw(*shown_changes(changed))


def _materials(path: str, sbom: str | None, licences: str | None) -> None:
    """What other tools, and lawyers, want to know of a bundle."""
    from bundler.materials import bill_of_materials, collect_licences

    if licences is not None:
        for component in collect_licences(path, licences):
            say(f"note: no licence text came with {component}")
        say(f"wrote {licences}")
    if sbom is not None:
        click.echo(bill_of_materials(path, sbom), nl=False)
