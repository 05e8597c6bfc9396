/* The entry stub: does in user space what the kernel does for PT_INTERP, with a loader that is found relative to the executable.

   It stands in front of a program whose PT_INTERP header has another type (HIDDEN_INTERPRETER), so that the kernel starts it like
   a static one. It maps the loader, tells it of the program in the auxiliary vector, and jumps to it with the stack and the registers
   of the start. Nothing of the program is written to: the loader gets a copy of the program headers with PT_INTERP in it, which
   names the loader that was mapped. So no page has to be made writable that holds code (systemd's MemoryDenyWriteExecute=), and
   what debuggers read of the process is what they read of the file.

   Where /proc is missing the loader would not know $ORIGIN of the program. glibc then takes LD_ORIGIN_PATH, which is put on the
   stack for it and taken off again before the program begins: the loader jumps to the stub once more instead of to the program.

   Every failure is one line on standard error, and exit status 127. */

#pragma clang attribute push(__attribute__((minsize)), apply_to = function) /* zig passes -Oz on as -Os */

#include "machine.h"

typedef unsigned char byte;
typedef unsigned short half;

enum { PATH = 4096, LIMIT = 30 };
enum { AT_NULL, AT_IGNORE, AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ, AT_BASE, AT_ENTRY = 9, AT_SECURE = 23, AT_EXECFN = 31 };
enum { PT_LOAD = 1, PT_DYNAMIC, PT_INTERP, PT_PHDR = 6, HIDDEN_INTERPRETER = 0x62646c72 };
enum { ET_DYN = 3, DT_DEBUG = 21 };
enum { PROT_READ = 1, PROT_WRITE, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000, ENOENT = 2, ENOMEM = 12, ENOTDIR = 20, SEEK_END = 2 };

struct file_header {
    unsigned magic;
    half kind, more[5];
    unsigned type; /* e_machine is its upper half */
    unsigned version;
    word entry, phoff, shoff;
    unsigned flags;
    half ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

#if __SIZEOF_POINTER__ == 8
struct segment {
    unsigned type, flags;
    word offset, vaddr, paddr, filesz, memsz, align;
};
#else
struct segment {
    unsigned type;
    word offset, vaddr, paddr, filesz, memsz;
    unsigned flags;
    word align;
};
#endif

/* What the patcher fills in, in front of the code; binaries/elf/stubs describes it. */
struct parameters {
    byte magic[8];
    unsigned path, path_size; /* of the loader: from here, in bytes with the NUL */
    long long entry;          /* the program's own: from here */
    long long size, headers;  /* for the patcher alone: how to take the stub out */
};

enum { SEGMENTS = PATH / sizeof(struct segment) };

/* Memory that stays: the loader reads the program headers, its own path and the program's folder in it. */
struct memory {
    union {
        struct file_header header;
        byte bytes[PATH];
    } file;
    struct segment segments[SEGMENTS];
    char loader[PATH];
    char origin[15]; /* in front of `program` */
    char program[PATH];
    char other[PATH];
};

/* For messages. */
struct names {
    const char *program, *loader;
};

static unsigned length(const char *text)
{
    unsigned size = 0;
    while (text[size])
        size++;
    return size;
}

static void copy(void *to, const void *from, unsigned size)
{
    while (size--)
        ((volatile byte *)to)[size] = ((const byte *)from)[size]; /* volatile: no call of memcpy */
}

static void say(const char *text)
{
    call(SYS_write, 2, (word)text, length(text));
}

static _Noreturn void fail(const struct names *names, const char *reason)
{
    say(names->program);
    say(": cannot start with its loader ");
    say(names->loader);
    say(reason);
    for (;;)
        call(SYS_exit_group, 127, 0, 0);
}

/* A result of the kernel; where it is an error there is no way on. */
static word checked(const struct names *names, word result)
{
    int number = -(int)result;
    if (!failed(result))
        return result;
    fail(names, number == ENOMEM ? ": not enough memory\n"
         : number == ENOENT || number == ENOTDIR ? ": not there\n" : ": cannot be opened or mapped\n");
}

/* Memory that is zero, and may be written. */
static word zeros(const struct names *names, word size)
{
    return checked(names, map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* The length of what a path has in front of its last component, the slash included. */
static unsigned folder(const char *path)
{
    unsigned size = length(path);
    while (size && path[size - 1] != '/')
        size--;
    return size;
}

/* `path` becomes its first `kept` bytes and `more`. */
static void join(const struct names *names, char *path, unsigned kept, const char *more)
{
    unsigned size = length(more) + 1;
    if (kept + size > PATH)
        fail(names, ": path too long\n");
    copy(path + kept, more, size);
}

/* Whether `path` is a link; `target` is what it holds. */
static int read_link(const char *path, char *target)
{
    int size = call4(SYS_readlinkat, AT_FDCWD, (word)path, (word)target, PATH - 1);
    if (size < 0)
        return 0;
    target[size] = 0;
    return 1;
}

/* The program's path without /proc: as it was started, made absolute, links followed. */
static void find_by_name(const struct names *names, struct memory *memory)
{
    char *path = memory->program, *other = memory->other;
    unsigned kept = 0;
    if (names->program[0] != '/') {
        unsigned size = call(SYS_getcwd, (word)path, PATH, 0);
        if (size < PATH && path[0] == '/') {
            kept = size;
            path[kept - 1] = '/';
        }
    }
    join(names, path, kept, names->program);
    while (read_link(path, other)) /* it comes to an end: the kernel found the program so */
        join(names, path, other[0] == '/' ? 0 : folder(path), other);
}

/* Maps the loader that is open as `file`; gives its load bias. `in_page` are the bits of an address within its page. */
static word map_loader(const struct names *names, const struct file_header *header, word file, unsigned in_page)
{
    const struct segment *each = (const void *)(header + 1), *last;
    call(SYS_read, file, (word)header, PATH);
    word size = call(SYS_lseek, file, 0, SEEK_END), high = 0;
    last = each + header->phnum;
    int wrong = (header->magic ^ ('\177' | 'E' << 8 | 'L' << 16 | 'F' << 24)) | (header->kind ^ (sizeof(word) / 4 | 1 << 8)) |
                (header->type ^ (ET_DYN | MACHINE << 16)) | (header->phoff ^ sizeof *header) | (header->phnum >= SEGMENTS);
    for (; !wrong && each < last; each++)
        if (each->type == PT_LOAD) { /* from address 0 on, as every loader that was not prelinked is */
            word top = each->vaddr + each->memsz;
            high = top > high ? top : high;
            wrong = (each->vaddr | each->memsz | each->filesz | each->offset) >> LIMIT || each->memsz < each->filesz ||
                    each->offset + each->filesz > size;
        }
    if (wrong || header->entry >= high)
        fail(names, ": no loader for this machine\n");
    word bias = zeros(names, high);
    for (each = (const void *)(header + 1); each < last; each++)
        if (each->type == PT_LOAD && each->filesz) { /* the zeros behind the contents of the last one are there */
            unsigned skip = each->vaddr & in_page, used = skip + each->filesz;
            byte *start = (byte *)bias + each->vaddr - skip;
            word protection = protection_of(each->flags);
            checked(names, map((word)start, used, protection, MAP_PRIVATE | MAP_FIXED, file, each->offset - skip));
            if (protection & PROT_WRITE) /* to the page's end: the loader's first allocator takes it for zeros */
                for (; used & in_page; used++)
                    ((volatile byte *)start)[used] = 0;
        }
    return bias;
}

/* The value of an entry of the auxiliary vector; one that is not there is the 0 at the vector's end. */
static word *find(word *vector, word type)
{
    while (vector[0] && vector[0] != type)
        vector += 2;
    return vector + 1;
}

/* Copies the program headers as the loader shall see them. Gives something else than 0 where a loader has been here: it leaves the
   address of its list of objects in DT_DEBUG. */
static word copy_headers(struct memory *memory, word headers, unsigned count)
{
    word bias = 0, loaded = 0;
    copy(memory->segments, (const void *)headers, count * sizeof(struct segment));
    for (struct segment *each = memory->segments; count--; each++) { /* PT_PHDR comes first */
        if (each->type == PT_PHDR) {
            bias = headers - each->vaddr;
            each->vaddr = (word)memory->segments - bias;
        }
        if (each->type == HIDDEN_INTERPRETER) {
            each->type = PT_INTERP;
            each->vaddr = (word)memory->loader - bias;
        }
        if (each->type == PT_DYNAMIC)
            for (const word *tag = (const word *)(bias + each->vaddr); *tag; tag += 2)
                if (*tag == DT_DEBUG)
                    loaded |= tag[1];
    }
    return loaded;
}

/* Goes on to the loader, or, when one brought us here, to the program. `loaded` is the register in which a loader of glibc passes a
   function to its program, and the kernel 0; AT_BASE is 0 as well where no loader was started. The two words below the stack are
   free. */
_Noreturn void prepare(word *stack, const struct parameters *parameters, word loaded)
{
    word *end = stack + *stack + 2;
    while (*end)
        end++;
    word *vector = end + 1, *headers = find(vector, AT_PHDR), own = (word)parameters + (word)parameters->entry;
    const char *wanted = (const char *)parameters + parameters->path;
    struct names names = {(const char *)*find(vector, AT_EXECFN), wanted};
    struct memory *memory = 0;
    word seen = loaded | *find(vector, AT_BASE);
    if (!seen) {
        unsigned count = *find(vector, AT_PHNUM);
        if (*find(vector, AT_SECURE) || count > SEGMENTS) /* the patcher sees to the second */
            fail(&names, ": refused to setuid programs\n");
        memory = (void *)zeros(&names, sizeof *memory);
        seen = copy_headers(memory, *headers, count);
    }
    if (seen) {
        if (end[-1] && end[-1] == end[-2]) { /* put there below: they become the end, and an empty entry of the vector */
            end[-2] = 0;
            end[-1] = AT_IGNORE;
        }
        enter(stack, own, loaded);
    }

    char *program = memory->program, *loader = memory->loader;
    int by_name = !read_link("/proc/self/exe", program) || program[0] != '/';
    if (by_name)
        find_by_name(&names, memory);
    unsigned size = folder(program);
    copy(loader, program, size);
    join(&names, loader, size, wanted);
    names = (struct names){program, loader};
    word file = checked(&names, call(SYS_openat, AT_FDCWD, (word)loader, O_CLOEXEC));
    word base = map_loader(&names, &memory->file.header, file, *find(vector, AT_PAGESZ) - 1);
    call(SYS_close, file, 0, 0);

    *headers = (word)memory->segments;
    *find(vector, AT_BASE) = base;
    if (by_name) { /* AT_ENTRY stays: the loader comes back here */
        copy(memory->origin, "LD_ORIGIN_PATH=", sizeof memory->origin);
        program[size] = 0;
        word *to = stack -= 2;
        for (; to < end - 2; to++)
            to[0] = to[2];
        to[0] = to[1] = (word)memory->origin; /* two: the stack stays aligned */
    } else
        *find(vector, AT_ENTRY) = own;
    enter(stack, base + memory->file.header.entry, 0);
}

#pragma clang attribute pop
