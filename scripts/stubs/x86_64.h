/* x86-64: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 62 };
enum { SYS_read, SYS_write, SYS_close = 3, SYS_lseek = 8, SYS_mmap, SYS_munmap = 11, SYS_getcwd = 79, SYS_exit_group = 231, SYS_openat = 257, SYS_readlinkat = 267 };

/* No register is kept for the entry, which has nothing in any: its arguments are passed where no others are. */
#define ENTRY __attribute__((preserve_none))

typedef unsigned long word;

static inline word call(word number, word a, word b, word c)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}

static inline word call4(word number, word a, word b, word c, word d)
{
    register word r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
}

static __attribute__((noinline)) word map(word address, word size, word protection, word flags, word file, word offset)
{
    register word r10 __asm__("r10") = flags, r8 __asm__("r8") = file, r9 __asm__("r9") = offset;
    word result = SYS_mmap;
    __asm__ volatile("syscall" : "+a"(result) : "D"(address), "S"(size), "d"(protection), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry` with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    __asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tjmp *%1" : : "a"(stack), "c"(entry), "d"(passed) : "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. Each digit has the bits of its number turned round. */
static inline word protection_of(unsigned flags)
{
    return 0x73516240 >> (flags & 7) * 4 & 7;
}
