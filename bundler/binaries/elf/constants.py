"""The numbers of the ELF specification that bundler uses, under their own names."""

from __future__ import annotations

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4

PT_NULL, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 0, 1, 2, 3, 4, 6, 7
PT_GNU_STACK = 0x6474E551
# PT_INTERP, set aside: the type of that header where an entry stub maps the loader (binaries/elf/stubs). Of the numbers for
# operating systems (0x60000000 to 0x6fffffff), of which Linux and glibc know those from 0x6474e550 on and pass over all others.
PT_SET_ASIDE = 0x62646C72
PF_X, PF_W, PF_R = 1, 2, 4
PN_XNUM = 0xFFFF

SHN_UNDEF, SHN_XINDEX = 0, 0xFFFF
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_DYNAMIC, SHT_NOBITS, SHT_DYNSYM = 0, 1, 2, 3, 6, 8, 11
SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
STT_SECTION = 3

DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT = 0, 1, 4, 5, 6, 10, 11
DT_SONAME, DT_RPATH, DT_DEBUG, DT_TEXTREL, DT_RUNPATH, DT_FLAGS = 14, 15, 21, 22, 29, 30
DF_TEXTREL, DF_BIND_NOW = 4, 8
DT_BIND_NOW = 24
# The search path of a program that is started by its own loader, where its entry stub may also start the host's: the stub makes it
# the last DT_RPATH, which is the one that counts. Of the numbers for operating systems, which loaders pass over.
DT_OWN_RPATH = 0x62646C72
DT_GNU_PRELINKED = 0x6FFFFDF5
DT_RELR = 36
DT_GNU_HASH = 0x6FFFFEF5
DT_CONFIG, DT_DEPAUDIT, DT_AUDIT = 0x6FFFFEFA, 0x6FFFFEFB, 0x6FFFFEFC
DT_VERSYM = 0x6FFFFFF0
DT_FLAGS_1 = 0x6FFFFFFB
DF_1_NOW, DF_1_PIE = 1, 0x08000000
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DT_MIPS_RLD_MAP_REL = 0x70000035
DT_AUXILIARY, DT_FILTER = 0x7FFFFFFD, 0x7FFFFFFF

# Indices in DT_VERSYM: no version, and the bits that are an index (the highest one hides the symbol).
VER_NDX_GLOBAL, VERSYM_INDEX = 1, 0x7FFF

# The tags whose number is an index into the string table (gABI 5; glibc's elf.h).
STRING_TAGS = frozenset(
    (
        DT_NEEDED,
        DT_SONAME,
        DT_RPATH,
        DT_RUNPATH,
        DT_CONFIG,
        DT_DEPAUDIT,
        DT_AUDIT,
        DT_AUXILIARY,
        DT_FILTER,
        DT_OWN_RPATH,
    )
)

EM_386, EM_MIPS, EM_PPC, EM_PPC64, EM_S390, EM_ARM, EM_X86_64 = 3, 8, 20, 21, 22, 40, 62
EM_AARCH64, EM_RISCV, EM_LOONGARCH = 183, 243, 258

MACHINE_NAMES = {
    2: "sparc",
    EM_386: "i386",
    EM_MIPS: "mips",
    EM_PPC: "ppc",
    EM_PPC64: "ppc64",
    EM_S390: "s390x",
    EM_ARM: "arm",
    43: "sparc64",
    50: "ia64",
    EM_X86_64: "x86-64",
    EM_AARCH64: "aarch64",
    EM_RISCV: "riscv",
    EM_LOONGARCH: "loongarch",
    0x9026: "alpha",
}

# The largest page that a kernel for the machine may use; 4 KiB for the others (reference/elf.md 1.4).
PAGE_SIZES = {
    2: 0x2000,
    EM_MIPS: 0x10000,
    EM_PPC: 0x10000,
    EM_PPC64: 0x10000,
    43: 0x2000,
    50: 0x10000,
    EM_AARCH64: 0x10000,
    191: 0x10000,
    EM_LOONGARCH: 0x10000,
    0x9026: 0x10000,
}
