"""Framework builds of macOS: python.org's, Homebrew's and Apple's, whose `bin/python3.X` is no interpreter.

It is a stub that starts `Resources/Python.app/Contents/MacOS/Python` beside the framework's library, so that programs with
windows are applications for macOS. That one is the interpreter (CPython: Mac/Tools/pythonw.c; reference: interpreters 1.7).
"""

from __future__ import annotations

import os
from dataclasses import replace

from bundler.environment.facts import Interpreter


def without_stub(interpreter: Interpreter) -> Interpreter:
    """The facts with the interpreter itself in place of a framework's stub."""
    name = interpreter.framework
    if name:
        program = f"{interpreter.base_prefix}/Resources/Python.app/Contents/MacOS/{name}"
        for candidate in (program, os.path.join(os.path.dirname(program), "Python")):
            if interpreter.sysroot.is_file(candidate):
                return replace(interpreter, executable=interpreter.sysroot.real(candidate))
    return interpreter
