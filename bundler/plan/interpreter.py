"""What a bundle has that no source file is: links to the interpreter, `pyvenv.cfg`, activation scripts."""

from __future__ import annotations

import os

from bundler.entries import Content, Directory, Entry, Layer, Link, Literal
from bundler.environment import Environment
from bundler.options import PlanOptions
from bundler.plan.base_mounts import executable_path, site_packages_path, stdlib_path
from bundler.rewrite.activation import activation_scripts
from bundler.rewrite.debian import dist_packages_pth
from bundler.rewrite.pyvenv_cfg import pyvenv_cfg
from bundler.version import VERSION


def interpreter_entries(environment: Environment, options: PlanOptions) -> tuple[Entry, ...]:
    """The entries that every bundle has. Their time is that of the interpreter."""
    interpreter = environment.interpreter
    time = os.stat(interpreter.executable).st_mtime_ns

    def entry(path: str, content: Content, mode: int) -> Entry:
        return Entry(path, content, mode, time, Layer.RUNTIME, "bundler")

    name = os.path.basename(executable_path(interpreter))
    prompt = environment.config.get("prompt", "").strip("'\"") or None
    config = pyvenv_cfg(interpreter.version, prompt, VERSION, isolated=options.isolated)
    site_packages = site_packages_path(interpreter)
    debian = []
    if interpreter.dist_packages:
        folder = f"{stdlib_path(interpreter)}/dist-packages"
        debian = [
            entry(folder, Directory(), 0o755),
            entry(f"{folder}/bundler.pth", Literal(dist_packages_pth()), 0o644),
        ]
    short = interpreter.short_version
    names = dict.fromkeys(["python", "python3", f"python{short}", f"python{short}{interpreter.abiflags}"])
    return (
        entry("bin", Directory(), 0o755),
        entry(site_packages, Directory(), 0o755),
        *(entry(f"bin/{alias}", Link(name), 0o777) for alias in names if alias != name),
        *(entry(f"bin/{script.name}", Literal(script.data), 0o644) for script in activation_scripts()),
        *debian,
        entry("pyvenv.cfg", Literal(config), 0o644),
    )
