"""The numbers of PE that bundler uses, under their own names.

Sources: "PE Format" of Microsoft's documentation, and <winnt.h>.
"""

from __future__ import annotations

DOS_MAGIC, PE_SIGNATURE = b"MZ", b"PE\0\0"
DOS_HEADER_SIZE, E_LFANEW = 64, 60

IMAGE_FILE_MACHINE_I386, IMAGE_FILE_MACHINE_ARMNT = 0x14C, 0x1C4
IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_ARM64 = 0x8664, 0xAA64
MACHINES = {
    IMAGE_FILE_MACHINE_I386: "x86",
    IMAGE_FILE_MACHINE_ARMNT: "ARM",
    IMAGE_FILE_MACHINE_AMD64: "AMD64",
    IMAGE_FILE_MACHINE_ARM64: "ARM64",
}
"""The names that Windows gives them (PROCESSOR_ARCHITECTURE)."""

IMAGE_FILE_EXECUTABLE_IMAGE, IMAGE_FILE_DLL = 0x2, 0x2000

IMAGE_NT_OPTIONAL_HDR32_MAGIC, IMAGE_NT_OPTIONAL_HDR64_MAGIC = 0x10B, 0x20B
IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY = 0x80
SUBSYSTEMS = {
    1: "native",
    2: "windows",
    3: "console",
    7: "posix",
    9: "windows ce",
    10: "efi application",
    11: "efi boot service driver",
    12: "efi runtime driver",
    13: "efi rom",
    14: "xbox",
    16: "windows boot application",
}

# Data directories by their number; SECURITY alone holds a file offset.
EXPORT, IMPORT, RESOURCE, SECURITY, DEBUG = 0, 1, 2, 4, 6
LOAD_CONFIG, BOUND_IMPORT, DELAY_IMPORT, COM_DESCRIPTOR = 10, 11, 13, 14
MOST_DIRECTORIES = 16

IMAGE_SCN_CNT_CODE, IMAGE_SCN_CNT_INITIALIZED_DATA = 0x20, 0x40
IMAGE_SCN_MEM_DISCARDABLE, IMAGE_SCN_MEM_SHARED = 0x02000000, 0x10000000
IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ, IMAGE_SCN_MEM_WRITE = 0x20000000, 0x40000000, 0x80000000

DELAY_ATTRIBUTE_RVA = 1
"""Of a delay import: its fields are relative addresses, and not absolute ones as Visual C++ 6 wrote them."""

PAGE_SIZE, SECTOR_SIZE = 0x1000, 0x200

RT_RCDATA, RT_VERSION = 10, 16
VS_FIXEDFILEINFO_SIGNATURE = 0xFEEF04BD
