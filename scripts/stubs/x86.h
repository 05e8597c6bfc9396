/* i386: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 3 };
enum { SYS_read = 3, SYS_write, SYS_close = 6, SYS_lseek = 19, SYS_munmap = 91, SYS_getcwd = 183, SYS_mmap2 = 192, SYS_exit_group = 252, SYS_openat = 295, SYS_readlinkat = 305 };

typedef unsigned word;

static __attribute__((noinline)) word call4(word number, word a, word b, word c, word d)
{
    __asm__ volatile("int $0x80" : "+a"(number) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return number;
}

static inline word call(word number, word a, word b, word c)
{
    return call4(number, a, b, c, 0);
}

static __attribute__((noinline)) word map(word address, word size, word protection, word flags, word file, word offset)
{
    word arguments[] = {address, size, protection, flags, file, offset >> 12}, result = SYS_mmap2;
    __asm__ volatile("push %%ebp\n\tmov 20(%%ebx), %%ebp\n\tmov 4(%%ebx), %%ecx\n\tmov 8(%%ebx), %%edx\n\tmov 12(%%ebx), %%esi\n\t"
                     "mov 16(%%ebx), %%edi\n\tmov (%%ebx), %%ebx\n\tint $0x80\n\tpop %%ebp"
                     : "+a"(result) : "b"(arguments) : "ecx", "edx", "esi", "edi", "memory");
    return result;
}

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry` with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    __asm__ volatile("mov %0, %%esp\n\txor %%ebp, %%ebp\n\tjmp *%1" : : "r"(stack), "r"(entry), "d"(passed) : "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. */
static inline word protection_of(unsigned flags)
{
    return (flags & 4) >> 2 | (flags & 2) | (flags & 1) << 2;
}
