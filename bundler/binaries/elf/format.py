"""ELF, as the rest of the program asks of a format. See `binaries.format`."""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, is_elf, read_image
from bundler.binaries.elf.planner import plan_patch
from bundler.binaries.elf.request import edits_of
from bundler.binaries.elf.search_paths import current_path
from bundler.binaries.elf.symbols import functions_among
from bundler.binaries.elf.version_facts import symbol_versions
from bundler.binaries.elf.versions import version_needs
from bundler.binaries.format import NO_FUNCTIONS, BinaryFacts, Description, Format, Functions, SymbolVersions
from bundler.binaries.reading import read_there
from bundler.binaries.request import PatchOutcome, Request

if TYPE_CHECKING:
    from bundler.platforms import Platform


class _Elf:
    """See `binaries.format.Format`."""

    name = "ELF"
    options = frozenset(
        {
            "--set-rpath",
            "--add-rpath",
            "--remove-rpath",
            "--shrink-rpath",
            "--allowed-prefix",
            "--keep-relative",
            "--runpath",
            "--rpath",
            "--add-needed",
            "--prepend-needed",
            "--remove-needed",
            "--replace-needed",
            "--set-soname",
            "--set-interpreter",
            "--clear-symbol-version",
            "--clear-execstack",
            "--own-loader",
            "--host-from",
            "--own-rpath",
            "--host-loader",
        }
    )

    def recognises(self, head: bytes) -> bool:
        """By the magic number."""
        return is_elf(head)

    def platform(self, file: BinaryIO) -> Platform:
        """Linux with its machine and libc."""
        from bundler.binaries.elf.machines import platform_of

        return platform_of(read_image(file))

    def read_image(self, file: BinaryIO) -> Image:
        """The loader's view."""
        return read_image(file)

    def faults(self, file: BinaryIO, image: Image) -> tuple[str, ...]:
        """None: an ELF file carries no signature."""
        return ()

    def names_symbol(self, file: BinaryIO, image: Image, symbol: str) -> bool:
        """By the dynamic string table."""
        address, size = image.entry(c.DT_STRTAB), image.entry(c.DT_STRSZ)
        offset = image.offset_of(address) if address is not None else None
        if offset is None or size is None:
            return False
        return symbol.encode() + b"\0" in read_there(file, offset, size)

    def symbol_versions(self, file: BinaryIO, image: Image, *, with_symbols: bool) -> SymbolVersions:
        """DT_VERNEED and DT_VERDEF."""
        return symbol_versions(file, image, with_symbols=with_symbols)

    def functions(self, file: BinaryIO, image: Image, names: Collection[bytes]) -> Functions:
        """By the dynamic symbols of a file that names no glibc: that one has versions."""
        from bundler.binaries.elf.machines import names_glibc

        return NO_FUNCTIONS if not names or names_glibc(image) else functions_among(file, image, names)

    def facts(self, file: BinaryIO) -> BinaryFacts:
        """What the loader reads."""
        image = read_image(file)
        return BinaryFacts(
            format=f"ELF{image.elf_class.bits}",
            machine=image.machine_name,
            rpath=current_path(image),
            needed=image.needed,
            soname=image.soname,
            interpreter=image.interpreter,
            more={"DT_RPATH": image.rpath, "DT_RUNPATH": image.runpath},
        )

    def description(self, file: BinaryIO) -> Description:
        """What the loader reads, and the versions that the file needs of its libraries."""
        from bundler.binaries.elf.machines import libc_of

        image = read_image(file)
        libc = libc_of(image)
        return {
            "machine": image.machine_name,
            "libc": libc.value if libc is not None else None,
            "interpreter": image.interpreter,
            **({} if image.own_loader is None else {"loader": _loader(image)}),
            **({"finds itself": "under any name"} if image.finds_itself else {}),
            "soname": image.soname,
            "needed": list(image.needed),
            "rpath": image.rpath,
            "runpath": image.runpath,
            **({} if image.own_rpath is None else {"own_rpath": image.own_rpath}),
            "versions": [
                f"{need.library} {need.version}" for need in sorted(version_needs(file, image), key=attrgetter("order"))
            ],
        }

    def plan(self, file: BinaryIO, path: str, request: Request) -> PatchOutcome | None:
        """The patch by the first tier that has room."""
        image = read_image(file)
        found = plan_patch(file, image, edits_of(request, image, path))
        if found is None:
            return None
        return PatchOutcome(found.patch, f"{found.tier.name} ({found.tier.value})", found.explanation, found.reasons)


def _loader(image: Image) -> str:
    """What starts a program with an entry stub."""
    own = f"own ({image.own_loader})"
    floor = image.host_floor
    return own if floor is None else f"the host's from glibc {floor[0]}.{floor[1]} on, else {own}"


FORMAT: Format[Image] = _Elf()
