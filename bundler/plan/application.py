"""The user's own part of a bundle: files added by name, and the start command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.binaries.elf.launchers import Launcher
from bundler.bundle_paths import relative
from bundler.entries import Directory, Entry, Layer, Literal, Source
from bundler.environment import Environment
from bundler.errors import BadOption, BundlerError, raise_all
from bundler.files import opened
from bundler.formats import SIGNATURE
from bundler.machine import os
from bundler.options import ContentOptions
from bundler.plan.collect import Collected
from bundler.plan.entry_points import lacks, nearest
from bundler.plan.mounts import Mount, MountTable
from bundler.plan.origins import ADDED, BUNDLER
from bundler.plan.overlay import Entries
from bundler.rewrite.native_scripts import NativeStart, start_program
from bundler.rewrite.scripts import ISOLATED, RewrittenScript, rewrite_script, side_file_path
from bundler.rewrite.templates import read_template
from bundler.scheme import BundleScheme
from bundler.systems import system_of
from bundler.systems.system import System


@dataclass(frozen=True, slots=True)
class StartCommand:
    """How the application is started."""

    script: Entry
    """What does it from a shell."""
    program: tuple[str, ...]
    """Bundle paths of what does it without a shell, the interpreter first where it is needed."""
    arguments: tuple[str, ...]
    """What follows the program."""
    python_options: tuple[str, ...] = ()
    """For the interpreter, where `program` starts with it."""
    module: str = ""
    """The module that it begins with, where it was named by one."""
    entry: str = ""
    """What the user named: `module:function`, or a script with arguments."""
    subject: str = ""
    """The bundle path of the module's file, or of the script."""
    beside: tuple[Entry, ...] = ()
    """The side file of `script`, where it has one."""


def added_mounts(add: tuple[str, ...], separator: str = "/") -> tuple[Mount, ...]:
    """Mounts for what the user adds, at places whose parts the target's `separator` may divide.

    Raises BundlerError for what is not there or would leave the bundle; all together.
    """
    mounts = []
    errors: list[BundlerError] = []
    for item in add:
        source = item.partition("=")[0]
        path, target = os.path.abspath(source), bundle_path_of(item, separator)
        if not os.path.lexists(path):
            errors.append(BundlerError(f"--add {item}: {source} does not exist"))
        elif target in (".", "..") or target.startswith("../"):
            errors.append(BadOption(f"--add {item}: the place in the bundle must be a path below it"))
        elif target in ("bundle.json", SIGNATURE):
            errors.append(BadOption(f"--add {item}: {target} is bundler's own"))
        else:
            mounts.append(Mount(path, target, ADDED + target, Layer.APPLICATION))
    raise_all(errors)
    return tuple(mounts)


def bundle_path_of(item: str, separator: str = "/") -> str:
    """Where `SRC` or `SRC=DEST` goes: a path from the bundle's root, which may lead out of it."""
    source, _, target = item.partition("=")
    target = target.replace(separator, "/").strip("/")
    return os.path.normpath(target or os.path.basename(os.path.abspath(source)))


def check_added(collected: Collected, entries: Entries) -> None:
    """Raise BundlerError where an added file stands in the place of another, or another in its place (all together)."""
    added = [path for path, entry in collected.entries.items() if entry.origin.startswith(ADDED)]
    hidden = [path for path in added if path in entries and not entries[path].origin.startswith(ADDED)]
    raise_all(
        [
            BundlerError(f"--add: the bundle has a {path} of its own", "give another place: --add SRC=DEST")
            for path in sorted({*collected.clashes, *hidden})
        ]
    )


def plan_start(
    options: ContentOptions, entries: Entries, environment: Environment, launcher: Launcher | None = None
) -> StartCommand:
    """The start command for `options.entry`: `module:function`, or a script with arguments. With `launcher` it needs no shell.

    Raises BundlerError where the module, its function or the script is not in the bundle, or `bin/start` is taken.
    """
    entry = options.entry
    python_options = ISOLATED if options.isolated else ()
    scheme = environment.scheme
    system = system_of(environment.platform.system)
    python, start = scheme.executable, scheme.script(system.start_name)
    time = os.stat(environment.interpreter.executable).st_mtime_ns
    if start in entries:
        raise BundlerError(
            f"--entry: the environment has a script {start} of its own", "rename it; bundler needs the name"
        )
    words = _words(entry, system)
    module, colon, function = entry.partition(":")
    if colon and len(words) == 1 and all(part.isidentifier() for part in [*module.split("."), *function.split(".")]):
        file = _checked_function(entry, module, function, entries, environment.interpreter.extension_suffixes)
        if launcher is not None:
            native = NativeStart(launcher, start, side_file_path(start))
            made = _function_script(module, function, isolated=options.isolated, native=native)
            side = _script(native.side, made.side_data or b"", time)._replace(mode=0o644)
            return StartCommand(_script(start, made.data, time), (start,), (), (), module, entry, file, (side,))
        data = system.function_script(module, function, python_options)
        data = data or _function_script(module, function, isolated=options.isolated).data
        return StartCommand(_script(start, data, time), (python, start), (), python_options, module, entry, file)
    path, *arguments = words or [""]
    path = os.path.normpath(path.replace(system.separator, "/"))
    named = (path, scheme.script(path))
    places = (*named, *(place + suffix for suffix in system.program_suffixes for place in named))
    path = next((place for place in places if place in entries), path)
    if path not in entries:
        example = system.separator.join((scheme.scripts, "app"))
        raise BundlerError(
            f"--entry {entry}: {path} is not in the bundle", f"name a script of it ({example}), or module:function"
        )
    is_python = _is_python_script(entries[path])
    data = system.command_script(relative(path, scheme.scripts), arguments, python_options if is_python else None)
    if launcher is not None:
        data = start_program(launcher, relative(path, scheme.scripts), arguments)
    data = data or _command_script(path, arguments, scheme)
    if not is_python:
        return StartCommand(_script(start, data, time), (path,), tuple(arguments), (), "", entry, path)
    return StartCommand(_script(start, data, time), (python, path), tuple(arguments), python_options, "", entry, path)


def _words(entry: str, system: System) -> list[str]:
    """The words of a command; a backslash is a letter as others where it divides paths."""
    lexer = shlex.shlex(entry, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.escape = lexer.escape.replace(system.separator, "")
    return list(lexer)


def _script(path: str, data: bytes, time_ns: int) -> Entry:
    return Entry(path, Literal(data), 0o755, time_ns, Layer.APPLICATION, BUNDLER)


def _checked_function(start: str, module: str, function: str, entries: Entries, suffixes: Sequence[str]) -> str:
    """The bundle path of the module. Raises BundlerError for `--entry start` where it lacks it, or surely has no such function."""
    files = _files_of(module, entries, suffixes)
    if not files:
        raise BundlerError(f"--entry {start}: there is no module {module} in the bundle")
    name = function.partition(".")[0]
    if all(lacks(file, name) for file in files) and not _is_module(f"{module}.{name}", entries, suffixes):
        near = nearest(files[0], name)
        raise BundlerError(
            f"--entry {start}: {files[0].path} has no {name}",
            f"did you mean {module}:{near}?" if near else "name a function of the module: module:function",
        )
    return files[0].path


def _is_module(module: str, entries: Entries, suffixes: Sequence[str]) -> bool:
    """Whether it can be imported: a module, or a folder without `__init__.py`."""
    folder = "/" + module.replace(".", "/")
    found = (path.endswith(folder) and isinstance(entry.content, Directory) for path, entry in entries.items())
    return bool(_files_of(module, entries, suffixes)) or any(found)


def _files_of(module: str, entries: Entries, suffixes: Sequence[str]) -> list[Entry]:
    """What a module may be, in any folder of packages: source, a package, or an extension (with one of `suffixes`)."""
    place = "/" + module.replace(".", "/")
    endings = (f"{place}/__init__.py", *(place + suffix for suffix in (".py", *suffixes)))
    return [entry for path, entry in entries.items() if path.endswith(endings)]


def _function_script(
    module: str, function: str, *, isolated: bool, native: NativeStart | None = None
) -> RewrittenScript:
    top, _, rest = function.partition(".")
    call = f"{top}.{rest}" if rest else top
    body = f"#!python\nimport sys\n\nfrom {module} import {top}\n\nsys.exit({call}())\n"
    script = rewrite_script(
        body.encode(), is_ours=lambda _: True, to_bin=".", side_file="", isolated=isolated, native=native
    )
    assert script is not None
    return script


def _command_script(path: str, arguments: list[str], scheme: BundleScheme) -> bytes:
    """A script in sh that starts another of the bundle with arguments in front of its own."""
    words = "".join(f"{shlex.quote(argument)} " for argument in arguments)
    text = (
        read_template("start_header").replace("@PROGRAM@", relative(path, scheme.scripts)).replace("@ARGUMENTS@", words)
    )
    return text.encode("utf-8", "surrogateescape")


def _is_python_script(entry: Entry) -> bool:
    """Whether Python runs the file: a script with bundler's header is a text of Python's, too."""
    match entry.content:
        case Literal(data):
            head = data[:512]
        case Source(path, _):
            with opened(path) as file:
                head = file.read(512)
        case _:
            return False
    first = head.partition(b"\n")[0]
    return head.startswith(b"#!") and (b"python" in first or b"__bundler_script" in head)


def with_application_layer(entries: Entries, environment: Environment, mounts: MountTable) -> dict[str, Entry]:
    """The entries, with the files of distributions that are the user's own (installed from a local place) in their layer."""
    moved = dict(entries)
    for distribution in environment.distributions:
        if distribution.direct_url is None or not distribution.direct_url.is_local:
            continue
        for file in distribution.files.paths:
            path = mounts.bundle_path(file)
            if path is not None and path in moved:
                moved[path] = moved[path]._replace(layer=Layer.APPLICATION)
    return moved
