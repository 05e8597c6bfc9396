/* aarch64: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 183 };
enum { SYS_getcwd = 17, SYS_openat = 56, SYS_close, SYS_lseek = 62, SYS_read, SYS_write, SYS_readlinkat = 78, SYS_exit_group = 94, SYS_munmap = 215, SYS_mmap = 222 };

/* No register is kept for the entry, which has nothing in any: its arguments are passed where no others are. */
#define ENTRY __attribute__((preserve_none))

typedef unsigned long word;

static inline word call(word number, word a, word b, word c)
{
    register word x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

static inline word call4(word number, word a, word b, word c, word d)
{
    register word x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

static __attribute__((noinline)) word map(word address, word size, word protection, word flags, word file, word offset)
{
    register word x8 __asm__("x8") = SYS_mmap, x0 __asm__("x0") = address, x1 __asm__("x1") = size, x2 __asm__("x2") = protection;
    register word x3 __asm__("x3") = flags, x4 __asm__("x4") = file, x5 __asm__("x5") = offset;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry` with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    register word x0 __asm__("x0") = passed, x16 __asm__("x16") = entry;
    __asm__ volatile("mov sp, %0\n\tmov x29, xzr\n\tmov x30, xzr\n\tbr x16" : : "r"(stack), "r"(x16), "r"(x0) : "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. */
static inline word protection_of(unsigned flags)
{
    return __builtin_bitreverse32(flags) >> 29;
}
