/* arm with hardware floating point (armhf): its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 40 };
enum { SYS_read = 3, SYS_write, SYS_close = 6, SYS_lseek = 19, SYS_munmap = 91, SYS_getcwd = 183, SYS_mmap2 = 192, SYS_exit_group = 248, SYS_openat = 322, SYS_readlinkat = 332 };

#define ENTRY

typedef unsigned word;

static inline word call4(word number, word a, word b, word c, word d)
{
    register word r7 __asm__("r7") = number, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c, r3 __asm__("r3") = d;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
    return r0;
}

static inline word call(word number, word a, word b, word c)
{
    register word r7 __asm__("r7") = number, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
    return r0;
}

static __attribute__((noinline)) word map(word address, word size, word protection, word flags, word file, word offset)
{
    register word r7 __asm__("r7") = SYS_mmap2, r0 __asm__("r0") = address, r1 __asm__("r1") = size, r2 __asm__("r2") = protection;
    register word r3 __asm__("r3") = flags, r4 __asm__("r4") = file, r5 __asm__("r5") = offset >> 12;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r0;
}

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry`, of whichever instruction set, with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    register word r0 __asm__("r0") = passed;
    __asm__ volatile("mov sp, %0\n\tmov lr, #0\n\tbx %1" : : "r"(stack), "r"(entry), "r"(r0) : "lr", "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. */
static inline word protection_of(unsigned flags)
{
    return __builtin_bitreverse32(flags) >> 29;
}
