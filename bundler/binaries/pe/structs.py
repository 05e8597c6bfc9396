"""How PE lays out its structures. All numbers are little-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass

FILE_HEADER = struct.Struct("<2H3I2H")
"""Machine, NumberOfSections, TimeDateStamp, PointerToSymbolTable, NumberOfSymbols, SizeOfOptionalHeader, Characteristics."""
SECTION_HEADER = struct.Struct("<8s6I2HI")
"""Name, VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData, and of relocations and line numbers places and counts;
Characteristics."""
DATA_DIRECTORY = struct.Struct("<2I")
IMPORT_DESCRIPTOR = struct.Struct("<5I")
"""OriginalFirstThunk, TimeDateStamp, ForwarderChain, Name, FirstThunk."""
DELAY_DESCRIPTOR = struct.Struct("<8I")
"""Attributes, DllName, ModuleHandle, IAT, INT, BoundIAT, UnloadIAT, TimeDateStamp."""
EXPORT_DIRECTORY = struct.Struct("<2I2H7I")
"""Characteristics, TimeDateStamp, MajorVersion, MinorVersion, Name, Base, NumberOfFunctions, NumberOfNames, AddressOfFunctions,
AddressOfNames, AddressOfNameOrdinals."""
RESOURCE_DIRECTORY = struct.Struct("<2I4H")
"""Characteristics, TimeDateStamp, MajorVersion, MinorVersion, NumberOfNamedEntries, NumberOfIdEntries."""
RESOURCE_ENTRY = struct.Struct("<2I")
RESOURCE_DATA = struct.Struct("<4I")
"""OffsetToData (an address), Size, CodePage, Reserved."""
DEBUG_DIRECTORY = struct.Struct("<2I2H4I")
"""Characteristics, TimeDateStamp, MajorVersion, MinorVersion, Type, SizeOfData, AddressOfRawData, PointerToRawData."""
WORD, DWORD, QWORD = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class OptionalHeader:
    """The layout of the optional header for one size of pointers; the fields' offsets are the same but for the image base."""

    bits: int
    """Width of an address: 32 or 64."""
    size: int
    """In bytes, without data directories."""
    image_base: tuple[int, struct.Struct]
    """Offset in the header, and layout."""
    dependent_load_flags: int
    """Offset in the load config."""
    chpe_metadata: tuple[int, struct.Struct]
    """The same of CHPEMetadataPointer."""


PE32 = OptionalHeader(32, 96, (28, DWORD), 54, (124, DWORD))
PE32_PLUS = OptionalHeader(64, 112, (24, QWORD), 78, (200, QWORD))

SIZE_OF_INITIALIZED_DATA = 8
SECTION_ALIGNMENT, FILE_ALIGNMENT = 32, 36
MAJOR_OPERATING_SYSTEM_VERSION, MAJOR_SUBSYSTEM_VERSION = 40, 48
SIZE_OF_IMAGE, SIZE_OF_HEADERS, CHECKSUM = 56, 60, 64
SUBSYSTEM, DLL_CHARACTERISTICS = 68, 70
"""Offsets in the optional header, in bytes; the same for both sizes of pointers."""
