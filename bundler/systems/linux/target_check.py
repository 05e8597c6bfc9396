"""What keeps ELF files of a bundle from running on a target: its libc, C++ libraries, kernel, processors, stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bundler.binaries.elf.properties import cpu_level, level_name
from bundler.binaries.elf.stack import Stack, stack_of
from bundler.binaries.format import NO_VERSIONS, NeededVersion
from bundler.faults import Fault, FaultKind, Findings
from bundler.floor import Release, text_of
from bundler.machine import os
from bundler.systems.bundle_view import BundleView, Wheel
from bundler.systems.libraries import InBundle, Location
from bundler.systems.linux.ceiling import is_a_copy
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import LibcVersion
from bundler.systems.linux.libc_family import oldest_kernel
from bundler.systems.linux.policy import HostReason, stays_on_host
from bundler.systems.linux.provided import shown
from bundler.systems.linux.targets import release_of_tag
from bundler.systems.unfit import unfit, what_helps
from bundler.target import Target, Version

_OWN_LIBC = "--libc bundle brings the packing machine's libc along"
_REFUSES_STACKS: Release = (2, 41)
_VERSION = re.compile(r"([A-Z]+)_(\d+(?:\.\d+)*)")
_ZEROS = re.compile(r"(\.0)+$")


def target_findings(
    files: Sequence[ElfFile], needs: Mapping[str, Mapping[str, Location]], bundle: BundleView, target: Target
) -> Findings:
    """Faults of files that would not run on a target, and notes on what no table tells.

    `needs` tell where each file finds what it asks for.
    """
    faults = list[Fault]()
    untold = dict[str, None]()
    if target.release is None and not bundle.loader:
        message = f"needs glibc; {target.name} has {target.has}"
        faults.append(Fault(FaultKind.TARGET, bundle.scheme.executable, message, _OWN_LIBC))
    for file in files:
        asked = Asked(file, needs.get(file.path, {}), bundle, target)
        faults += (*asked.libc(), *asked.host_libraries(), *asked.kernel(), *asked.processor())
        untold.update(dict.fromkeys(asked.untold()))
    faults += _stacks(files, bundle, target)
    notes = [f"what {target.name} has of {name} is not known: it was not looked at" for name in untold]
    return Findings(faults, notes)


class Asked:
    """What one file asks of a target."""

    def __init__(self, file: ElfFile, places: Mapping[str, Location], bundle: BundleView, target: Target) -> None:
        self._file = file
        self._bundle = bundle
        self._target = target
        versions = bundle.versions.get(file.path, NO_VERSIONS).needed
        self._of_host = [
            need for need in versions if not need.is_weak and not isinstance(places.get(need.library), InBundle)
        ]

    def libc(self) -> Iterator[Fault]:
        """Versions of glibc that are later than the target's."""
        release = self._target.release
        if release is None:
            return
        missing = []
        for need in self._of_host:
            if stays_on_host(need.library) is HostReason.LIBC:
                version = LibcVersion(self._file.path, need.name)
                if version.is_unknown_feature or (version.release is not None and version.release > release):
                    missing.append((version.release or (99, 0), need))
        if missing:
            needed = [need for _, need in sorted(missing, key=lambda pair: pair[0], reverse=True)]
            yield self._lacks(needed, leave=_leave(self._file.path), more=_OWN_LIBC)

    def host_libraries(self) -> Iterator[Fault]:
        """Versions of the C++ libraries, where those are the host's, that are later than the target's."""
        missing = []
        for need in self._of_host:
            found = _level(need)
            known = self._target.symbols.get(found[0]) if found is not None else None
            if found is not None and known is not None and found[1] > known:
                missing.append(need)
        if missing:
            libraries = " and ".join(dict.fromkeys(need.library for need in missing))
            yield self._lacks(missing, more=f"take {libraries} along (no --exclude-lib for it)")

    def untold(self) -> Iterator[str]:
        """Libraries of the host's of which no table tells."""
        for need in self._of_host:
            if stays_on_host(need.library) is None and need.name.partition("_")[0] not in self._target.symbols:
                yield need.library

    def kernel(self) -> Iterator[Fault]:
        """A kernel that is later than the target's: the loader passes over such a file, or does not start at all."""
        needed = oldest_kernel(self._file.image)
        if needed is not None and self._target.kernel is not None and needed > self._target.kernel:
            hint = what_helps(self._bundle, self._file.path, self._target, self._wanted, leave=_leave(self._file.path))
            has = text_of(self._target.kernel)
            message = (
                f"needs Linux {text_of(needed)} or later (its ABI note); {self._target.name} came out with Linux {has}"
            )
            yield Fault(FaultKind.TARGET, self._file.path, message, hint)

    def processor(self) -> Iterator[Fault]:
        """A level of processors that not each machine of the target has. Of copies for newer ones the loader takes what fits."""
        level = cpu_level(self._file.image)
        if level <= self._target.cpu_level or is_a_copy(self._file.path):
            return
        hint = what_helps(self._bundle, self._file.path, self._target, self._wanted, leave=_leave(self._file.path))
        has = level_name(self._target.cpu_level) if self._target.cpu_level > 1 else "x86-64"
        message = f"needs a processor of the level {level_name(level)}; {self._target.name} runs on all of {has}"
        yield Fault(FaultKind.TARGET, self._file.path, message, hint)

    def _lacks(self, needed: Sequence[NeededVersion], *, leave: str = "", more: str = "") -> Fault:
        asks = ", ".join(map(shown, needed))
        path = self._file.path
        hint = what_helps(self._bundle, path, self._target, self._wanted, leave=leave, more=more)
        if all(need.name.startswith("GLIBC_") for need in needed):
            return unfit(path, asks, self._target, hint)
        latest = [f"{name}_{'.'.join(map(str, level))}" for name, level in self._target.symbols.items()]
        names = {need.name.partition("_")[0] for need in needed}
        has = " and ".join(text for text in latest if text.partition("_")[0] in names)
        return Fault(FaultKind.TARGET, path, f"needs {asks} of the host's library; {self._target.name} has {has}", hint)

    def _wanted(self, wheel: Wheel) -> str:
        """What a wheel would have to be: of an older glibc, where it is not for that one already."""
        release = self._target.release
        found = [known for tag in wheel.platforms if (known := release_of_tag(tag)) is not None]
        if release is None or not found:
            return ""
        if min(known for known, _ in found) <= release:
            return "which is not true of this file; another version may be better"
        machine = next((machine for _, machine in found if machine), "")
        tag = f"manylinux_{release[0]}_{release[1]}{'_' * bool(machine)}{machine}"
        return f"wanted is one for {tag} or older, of this version or an earlier one"


def _level(need: NeededVersion) -> tuple[str, Version] | None:
    """A version of a C++ library: what stands before the number, and that without zeros at its end; None for none."""
    match = _VERSION.fullmatch(need.name)
    return (match[1], tuple(map(int, _ZEROS.sub("", match[2]).split(".")))) if match is not None else None


def _leave(path: str) -> str:
    return f"--exclude-lib {os.path.basename(path)} leaves it to the target's own"


def _stacks(files: Sequence[ElfFile], bundle: BundleView, target: Target) -> Iterator[Fault]:
    """Libraries that ask for an executable stack, where the target's loader refuses that (see `ceiling`).

    Where the interpreter asks for it itself, each process has one. With a loader of the bundle's own the target's has no say.
    """
    if bundle.loader or target.release is None or target.release < _REFUSES_STACKS:
        return
    asking = {file.path: stack for file in files if (stack := stack_of(file.image)) is not Stack.PLAIN}
    if any(path == bundle.scheme.executable or bundle.scheme.is_libpython(path) for path in asking):
        return
    for file in files:
        asked = asking.get(file.path)
        if asked is not None and not file.is_program:
            cure = "--fix-execstack clears the flag" if asked is Stack.EXECUTABLE else "link it with -z noexecstack"
            message = f"asks for an executable stack, which {target.name} refuses: it has {target.has}"
            yield Fault(FaultKind.TARGET, file.path, message, cure)
