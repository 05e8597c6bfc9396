/* riscv64: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 243 };
enum { SYS_getcwd = 17, SYS_openat = 56, SYS_close, SYS_lseek = 62, SYS_read, SYS_write, SYS_readlinkat = 78, SYS_exit_group = 94, SYS_munmap = 215, SYS_mmap = 222 };

#define ENTRY

typedef unsigned long word;

static inline word call4(word number, word a, word b, word c, word d)
{
    register word a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}

static inline word call(word number, word a, word b, word c)
{
    register word a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}

static __attribute__((noinline)) word map(word address, word size, word protection, word flags, word file, word offset)
{
    register word a7 __asm__("a7") = SYS_mmap, a0 __asm__("a0") = address, a1 __asm__("a1") = size, a2 __asm__("a2") = protection;
    register word a3 __asm__("a3") = flags, a4 __asm__("a4") = file, a5 __asm__("a5") = offset;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a0;
}

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry` with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    register word a0 __asm__("a0") = passed;
    __asm__ volatile("mv sp, %0\n\tli ra, 0\n\tjr %1" : : "r"(stack), "r"(entry), "r"(a0) : "ra", "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. Each digit has the bits of its number turned round. */
static inline word protection_of(unsigned flags)
{
    return 0x73516240 >> (flags & 7) * 4 & 7;
}
