"""`bundler-patchelf`: the patcher with patchelf's own words, for programs that call patchelf by its name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from bundler.cli.patchelf_words import PRINTS, REFUSED, Words, parse
from bundler.cli.process import SIGNALLED, Interrupted, run_to_the_end
from bundler.machine import os
from bundler.version import VERSION

if TYPE_CHECKING:
    from bundler.binaries.elf import Image
    from bundler.binaries.request import Request

FOLLOWED = "0.19.0"
"""The version of patchelf whose options these are. Callers ask for it, and refuse 0.18 and what is older than 0.14.5."""
_HELP = f"""\
Usage: bundler-patchelf OPTION... FILE...

The options of patchelf {FOLLOWED}, done by the patcher of bundler {VERSION}.

  --set-interpreter I            the loader that the kernel starts
  --set-rpath R, --add-rpath R   the search path; a directory behind the others
  --remove-rpath                 no search path any more
  --shrink-rpath                 only directories in which a needed library is found
  --allowed-rpath-prefixes P:P   with --shrink-rpath: of the absolute ones, only directories in P
  --force-rpath                  a search path that changes is DT_RPATH, not DT_RUNPATH
  --add-needed N                 a library that is needed in front of the others
  --remove-needed N              a library that is needed no more
  --replace-needed OLD NEW       another name for a needed library
  --set-soname S                 the name by which others need this library
  --clear-symbol-version S       a symbol that is bound without a version
  --clear-execstack              no executable stack
  --print-FACT                   {", ".join(PRINTS)}
  --page-size N                  refused where the file's pages are smaller
  --output F                     write to F and leave FILE alone
  --debug                        say how each file was changed
  --no-sort                      as it is always

Not done: {", ".join(REFUSED)}.
"""
_OS_ABIS = {
    0: "System V",
    1: "HP-UX",
    2: "NetBSD",
    3: "Linux",
    4: "GNU Hurd",
    6: "Solaris",
    7: "AIX",
    8: "IRIX",
    9: "FreeBSD",
    10: "Tru64",
    12: "OpenBSD",
    13: "OpenVMS",
}
"""EI_OSABI by patchelf's names; others are printed as numbers."""
_EI_OSABI = 7
_WITHOUT_DYNAMIC = frozenset({"--set-interpreter", "--clear-execstack"})
"""Edits that need no dynamic section."""


def main() -> NoReturn:
    """The command `bundler-patchelf`. Exit status: 0 done, 1 anything else, as of patchelf."""
    run_to_the_end(lambda: _run(sys.argv[1:]))


def _run(arguments: Sequence[str]) -> int:
    from bundler.errors import BundlerError

    try:
        _do(arguments)
    except BundlerError as error:
        _say(f"{error.message}{f' ({error.hint})' if error.hint else ''}")
        return 1
    except Interrupted as interrupted:
        _say("interrupted; nothing was left behind")
        return SIGNALLED + interrupted.number
    except OSError as error:
        _say(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")
        return 1
    return 0


def _say(message: str) -> None:
    name = os.path.basename(sys.argv[0])
    print(f"{name}: {message}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def _do(arguments: Sequence[str]) -> None:
    if not arguments:
        from bundler.errors import WrongWords

        print(_HELP, end="", file=sys.stderr)
        raise WrongWords("nothing to do: no words were given")
    words = parse(arguments)
    if words.answer == "--version":
        print(f"patchelf {FOLLOWED} (bundler-patchelf {VERSION})")
    elif words.answer is not None:
        print(_HELP, end="")
    else:
        _look(words)
        _edit(words)


def _look(words: Words) -> None:
    """Print what is asked for of each file, as it is before it changes."""
    from bundler.binaries.elf import read_image
    from bundler.binaries.replace import open_source
    from bundler.errors import BundlerError

    for path in words.files:
        try:
            with open_source(path) as file:
                image = read_image(file)
                _check_image(image, words)
                for line in [line for name in PRINTS if name in words.prints for line in _facts(name, image, file)]:
                    sys.stdout.buffer.write(os.fsencode(line) + b"\n")
        except BundlerError as error:
            raise error.at(path) from None
        finally:
            sys.stdout.flush()


def _check_image(image: Image, words: Words) -> None:
    """Raise CannotPatch for what patchelf takes for no ELF file to work on, or for larger pages than the file is laid out for."""
    from bundler.binaries.elf import constants as c
    from bundler.errors import CannotPatch, NotDynamic

    if image.type not in (c.ET_EXEC, c.ET_DYN):
        raise CannotPatch(f"neither a program nor a library: its ELF type is {image.type}")
    if not image.dynamic and set(_request(words).given()) - _WITHOUT_DYNAMIC:  # also what would change nothing
        raise NotDynamic(
            "a static program has no search path, no name and needs no library: there is no dynamic section"
        )
    size = int(words.values.get("--page-size", "1"))
    if size > image.page_size:
        raise CannotPatch(f"--page-size {size}: the file and its machine have pages of up to {image.page_size} bytes")


def _facts(name: str, image: Image, file: BinaryIO) -> Iterator[str]:
    """The lines for one fact; MissingFact where its absence is an error for patchelf's callers."""
    from bundler.binaries.elf import constants as c
    from bundler.binaries.elf.search_paths import current_path
    from bundler.errors import MissingFact

    if name in ("rpath", "needed") and image.dynamic is None:
        raise MissingFact(f"there is no {name} to print: a static program, without a dynamic section")
    match name:
        case "interpreter":
            if image.interpreter is None:
                raise MissingFact("the file names no interpreter: it is a library, or a program that needs none")
            yield image.interpreter
        case "os-abi":
            file.seek(_EI_OSABI)
            (number,) = file.read(1)
            yield _OS_ABIS.get(number, f"0x{number:02X}")
        case "soname":
            if image.soname is not None:
                yield image.soname
        case "rpath":
            yield current_path(image) or ""
        case "execstack":
            stack = next((segment for segment in image.segments if segment.type == c.PT_GNU_STACK), None)
            yield f"execstack: {'?' if stack is None else 'X' if stack.flags & c.PF_X else '-'}"
        case _:
            yield from image.needed


def _edit(words: Words) -> None:
    from bundler.binaries.several import Destination, patch_files

    request = _request(words)
    output = words.values.get("--output")
    if not request.given() and output is None:
        return
    results = patch_files(words.files, request, Destination(output), os.cpu_count() or 1)
    if "--debug" in words.flags:
        for path, result in zip(words.files, results, strict=True):
            _say(f"{path}: {'nothing to change' if result is None else f'{result.method}: {result.explanation}'}")


def _request(words: Words) -> Request:
    """The same in the patcher's words. A search path that is touched becomes DT_RUNPATH, and one that is not stays as it is."""
    from bundler.binaries.request import Request

    values, shrink = words.values, "--shrink-rpath" in words.flags
    touched = shrink or "--set-rpath" in values or "--add-rpath" in values
    prefixes = values.get("--allowed-rpath-prefixes", "") if shrink else ""
    return Request(
        set_rpath=values.get("--set-rpath"),
        add_rpath=(values["--add-rpath"],) if "--add-rpath" in values else (),
        remove_rpath="--remove-rpath" in words.flags,
        shrink_rpath=shrink,
        allowed_prefix=tuple(prefix for prefix in prefixes.split(":") if prefix),
        keep_relative=shrink,
        runpath=touched and "--force-rpath" not in words.flags,
        prepend_needed=tuple(words.added),
        remove_needed=tuple(words.removed),
        replace_needed=tuple(words.replaced),
        set_soname=values.get("--set-soname"),
        set_interpreter=values.get("--set-interpreter"),
        clear_symbol_version=tuple(words.unversioned),
        clear_execstack="--clear-execstack" in words.flags,
    )


if __name__ == "__main__":
    main()
