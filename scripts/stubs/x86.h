/* i386: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 3 };
enum { SYS_read = 3, SYS_write, SYS_close = 6, SYS_lseek = 19, SYS_munmap = 91, SYS_getcwd = 183, SYS_exit_group = 252, SYS_openat = 295, SYS_readlinkat = 305 };

#define ENTRY

typedef unsigned word;

/* In x86.S: what is called often. */
__attribute__((stdcall)) word call4(word number, word a, word b, word c, word d);
__attribute__((stdcall)) word map(word address, word size, word protection, word flags, word file, word offset);
#define call(number, a, b, c) call4(number, a, b, c, 0)

static inline int failed(word result)
{
    return result > (word)-4096;
}

/* Jumps to `entry` with a stack, and a value in the register by which loaders pass a function. */
static inline _Noreturn void enter(const word *stack, word entry, word passed)
{
    __asm__ volatile("mov %0, %%esp\n\txor %%ebp, %%ebp\n\tjmp *%1" : : "a"(stack), "c"(entry), "d"(passed) : "memory");
    __builtin_unreachable();
}

/* PROT_READ and so on for the flags of a segment: PF_R is 4, PROT_READ 1. Each digit has the bits of its number turned round. */
static inline word protection_of(unsigned flags)
{
    return 0x73516240 >> (flags & 7) * 4 & 7;
}
