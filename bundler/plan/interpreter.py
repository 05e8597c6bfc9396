"""What a bundle has that no source file is: links to the interpreter, `pyvenv.cfg`, activation scripts."""

from __future__ import annotations

from bundler.entries import Content, Directory, Entry, Layer, Link, Literal
from bundler.environment import Environment
from bundler.machine import os
from bundler.options import ContentOptions, Launcher
from bundler.plan.origins import BUNDLER
from bundler.rewrite.activation import activation_scripts
from bundler.rewrite.debian import dist_packages_files
from bundler.rewrite.pyvenv_cfg import pyvenv_cfg
from bundler.systems import system_of
from bundler.version import VERSION


def interpreter_entries(environment: Environment, options: ContentOptions) -> tuple[Entry, ...]:
    """The entries that every bundle has. Their time is that of the interpreter."""
    interpreter, scheme = environment.interpreter, environment.scheme
    time = os.stat(interpreter.executable).st_mtime_ns

    def entry(path: str, content: Content, mode: int) -> Entry:
        return Entry(path, content, mode, time, Layer.RUNTIME, BUNDLER)

    name = os.path.basename(scheme.executable)
    system = system_of(environment.platform.system)
    configuration = []
    if system.configured_by_pyvenv_cfg:
        prompt = environment.config.get("prompt", "").strip("'\"") or None
        native = options.launcher is Launcher.NATIVE
        config = pyvenv_cfg(interpreter.version, prompt, VERSION, isolated=options.isolated, native=native)
        configuration.append(entry("pyvenv.cfg", Literal(config), 0o644))
    isolation = system.isolation(interpreter) if options.isolated else None
    if isolation is not None:
        configuration.append(entry(isolation[0], Literal(isolation[1]), 0o644))
    debian = []
    if interpreter.dist_packages:
        files = dist_packages_files(start=interpreter.reads_start_files)
        debian = [
            entry(f"{scheme.stdlib}/dist-packages", Directory(), 0o755),
            *(entry(f"{scheme.stdlib}/{path}", Literal(data), 0o644) for path, data in files.items()),
        ]
    return (
        entry(scheme.scripts, Directory(), 0o755),
        entry(scheme.site_packages, Directory(), 0o755),
        *(entry(scheme.script(alias), Link(name), 0o777) for alias in system.python_aliases(interpreter)),
        *(entry(scheme.script(each.name), Literal(each.data), 0o644) for each in activation_scripts(system.activation)),
        *debian,
        *configuration,
    )
