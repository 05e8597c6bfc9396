/* x86-64: its number, the numbers of its system calls, and how they are made. */
enum { MACHINE = 62 };
enum { SYS_read, SYS_write, SYS_close = 3, SYS_lseek = 8, SYS_mmap, SYS_getcwd = 79, SYS_exit_group = 231, SYS_openat = 257, SYS_readlinkat = 267 };

typedef unsigned long word;

static inline word call(word number, word a, word b, word c, word d)
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
