/* The entry stub: does in user space what the kernel does for PT_INTERP, with a loader that is found relative to the executable.

   It stands in front of a program whose PT_INTERP header has another type (HIDDEN_INTERPRETER), so that the kernel starts it like
   a static one. It maps the loader, tells it of the program in the auxiliary vector, and jumps to it with the stack and the registers
   of the start. The code of the program is not written to: the loader gets a copy of the program headers with PT_INTERP in it, which
   names the loader that was mapped. So no page has to be made writable that holds code (systemd's MemoryDenyWriteExecute=), and
   what debuggers read of the process is what they read of the file.

   Where /proc is missing the loader would not know $ORIGIN of the program. glibc then takes LD_ORIGIN_PATH, which is put on the
   stack for it and taken off again before the program begins: the loader jumps to the stub once more instead of to the program.

   With CHOOSES (the stub of `--libc auto`) the loader that PT_INTERP names, the host's, is taken where it says that it is glibc's,
   of the release `floor` or a later one. Else it is the bundle's own, and the second search path of the program, an entry of its
   dynamic section that loaders pass over (OWN_RPATH), becomes its DT_RPATH: that leads to the bundle's libc, which nothing else does.

   Every failure is one line on standard error, and exit status 127. */

#pragma clang attribute push(__attribute__((minsize)), apply_to = function) /* zig passes -Oz on as -Os */

#include "machine.h"

typedef unsigned char byte;
typedef unsigned short half;

enum { PATH = 4096, LIMIT = 30 };
enum { AT_NULL, AT_IGNORE, AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ, AT_BASE, AT_ENTRY = 9, AT_SECURE = 23, AT_EXECFN = 31, KNOWN };
enum { PT_LOAD = 1, PT_DYNAMIC, PT_INTERP, PT_PHDR = 6, HIDDEN_INTERPRETER = 0x62646c72 };
enum { ET_DYN = 3, DT_RPATH = 15, DT_DEBUG = 21, OWN_RPATH = 0x62646c72 };
enum { PROT_READ = 1, PROT_WRITE, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000, SEEK_END = 2 };
enum { ENOEXEC = 8, REFUSED = 127 };

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
    unsigned path; /* of the loader: from here, with a NUL */
    half path_size;
    half floor;              /* the oldest host: 36 for glibc 2.36; 0 for none */
    long long entry;         /* the program's own: from here */
    long long size, headers; /* for the patcher alone: how to take the stub out */
};

enum { SEGMENTS = PATH / sizeof(struct segment) }; /* the patcher sees to it that the program has fewer */

/* Memory that stays: the loader reads the program headers, its own path and the program's folder in it. No path is longer than its
   place: the kernel takes none of more than PATH bytes, and of two of those each is made. */
struct memory {
    union {
        struct file_header header;
        byte bytes[PATH];
    } file;
    union {
        struct segment segments[SEGMENTS];
        byte place[PATH];
    } headers;
    char loader[3 * PATH];
    word *own_rpath;
    char rest[PATH - sizeof(word *) - 15]; /* all that is large begins at a multiple of PATH: the code is shorter so */
    char origin[15];                       /* in front of `program` */
    char program[2 * PATH];
    char other[PATH];
};

static word length(const char *text)
{
    word size = 0;
    while (text[size])
        size++;
    return size;
}

static void copy(void *to, const void *from, word size)
{
    while (size--)
        ((volatile byte *)to)[size] = ((const byte *)from)[size]; /* volatile: no call of memcpy */
}

static void say(const char *text)
{
    call(SYS_write, 2, (word)text, length(text));
}

/* Ends the process. `error` is the kernel's answer, or the negative of REFUSED, which it never gives here. */
static _Noreturn void fail(const char *program, const char *loader, word error)
{
    static const char reasons[] = "\2: not there\n\0" /* ENOENT, and ENOTDIR */
                                  "\24: not there\n\0"
                                  "\10: no loader for this machine\n\0" /* ENOEXEC */
                                  "\14: not enough memory\n\0"          /* ENOMEM */
                                  "\44: path too long\n\0"              /* ENAMETOOLONG */
                                  "\177: refused to setuid programs\n\0"
                                  "\0: cannot be opened or mapped\n";
    const char *reason = reasons;
    say(program);
    say(": cannot start with its loader ");
    say(loader);
    while (*reason && *reason != -(int)error)
        reason += length(reason) + 1;
    say(reason + 1);
    for (;;)
        call(SYS_exit_group, 127, 0, 0);
}

/* Memory that is zero, and may be written; else the kernel's error. */
static word zeros(word size)
{
    return map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The length of what a path has in front of its last component, the slash included. */
static word folder(const char *path)
{
    word size = length(path);
    while (size && path[size - 1] != '/')
        size--;
    return size;
}

/* `path` becomes its first `kept` bytes and `more`. */
static void join(char *path, word kept, const char *more)
{
    copy(path + kept, more, length(more) + 1);
}

/* Whether `path` is a link; `target` is what it holds. */
static int read_link(const char *path, char *target)
{
    long size = call4(SYS_readlinkat, AT_FDCWD, (word)path, (word)target, PATH - 1);
    if (size >= 0)
        target[size] = 0;
    return size >= 0;
}

/* The program's path without /proc: as it was started, made absolute, links followed. */
static void find_by_name(struct memory *memory, const char *called)
{
    char *path = memory->program, *other = memory->other;
    word kept = 0;
    if (called[0] != '/') {
        word size = call(SYS_getcwd, (word)path, PATH, 0);
        if (size < PATH && path[0] == '/') {
            kept = size;
            path[kept - 1] = '/';
        }
    }
    join(path, kept, called);
    while (read_link(path, other)) /* it comes to an end: the kernel found the program so */
        join(path, other[0] == '/' ? 0 : folder(path), other);
}

#ifdef CHOOSES
/* The release of glibc (36 for 2.36) that a loader says of itself, as it does since 2.33 for `--version`, in memory that ends at `end`; 0
   where it says none. It is looked for from the end on: texts stand behind the code. */
static unsigned release_in(const char *start, const char *end)
{
    static const char text[] = "release version 2.";
    for (const char *at = end - sizeof text - 4; at >= start; at--) {
        unsigned same = 0, number = 0;
        while (same < sizeof text - 1 && text[same] == at[same])
            same++;
        if (same == sizeof text - 1) {
            for (; (byte)(at[same] - '0') < 10; same++)
                number = number * 10 + (at[same] - '0');
            return number;
        }
    }
    return 0;
}
#endif

/* Maps the loader at the path `memory->loader`; gives its load bias, or an error of the kernel's. `in_page` are the bits of an address
   within its page. With a `floor` it is none where it does not say that it is of that release of glibc or of a later one; it does
   in the last segment that is not written to. */
static word map_loader(struct memory *memory, word in_page, unsigned floor)
{
    struct file_header *header = &memory->file.header;
    const struct segment *first = (const void *)(header + 1), *each, *last;
    const byte *constant = 0;
    unsigned constant_size = 0;
    word file = call(SYS_openat, AT_FDCWD, (word)memory->loader, O_CLOEXEC), high = 0, bias = file;
    if (failed(file))
        return file;
    call(SYS_read, file, (word)header, PATH);
    word size = call(SYS_lseek, file, 0, SEEK_END);
    last = first + header->phnum;
    int wrong = (header->magic ^ ('\177' | 'E' << 8 | 'L' << 16 | 'F' << 24)) | (header->kind ^ (sizeof(word) / 4 | 1 << 8)) |
                (header->type ^ (ET_DYN | MACHINE << 16)) | (header->phoff ^ sizeof *header) | (header->phnum >= SEGMENTS);
    for (each = first; !wrong && each < last; each++)
        if (each->type == PT_LOAD) { /* from address 0 on, as every loader that was not prelinked is */
            word top = each->vaddr + each->memsz;
            high = top > high ? top : high;
            wrong = (each->vaddr | each->memsz | each->filesz | each->offset) >> LIMIT || each->memsz < each->filesz ||
                    each->offset + each->filesz > size;
        }
    bias = wrong || header->entry >= high ? (word)-ENOEXEC : zeros(high);
    for (each = first; !failed(bias) && each < last; each++)
        if (each->type == PT_LOAD && each->filesz) { /* the zeros behind the contents of the last one are there */
            word skip = each->vaddr & in_page, used = skip + each->filesz;
            byte *start = (byte *)bias + each->vaddr - skip;
            word protection = protection_of(each->flags);
            word done = map((word)start, used, protection, MAP_PRIVATE | MAP_FIXED, file, each->offset - skip);
            if (failed(done))
                bias = done;
            else if (!(protection & PROT_WRITE))
                constant = start, constant_size = used;
            else /* to the page's end: the loader's first allocator takes it for zeros */
                for (; used & in_page; used++)
                    ((volatile byte *)start)[used] = 0;
        }
    call(SYS_close, file, 0, 0);
#ifdef CHOOSES
    if (!failed(bias) && floor && release_in((const char *)constant, (const char *)constant + constant_size) < floor) {
        call(SYS_munmap, bias, high, 0);
        bias = -ENOEXEC;
    }
#else
    (void)floor, (void)constant, (void)constant_size;
#endif
    return bias;
}

/* The values of the entries of the auxiliary vector, by their types. For one that is not there it is the 0 behind the variables. */
static void find_all(word **at, word *end)
{
    for (int type = KNOWN; type--;)
        at[type] = end;
    for (const word *each = end + 1; *each; each += 2)
        if (*each < KNOWN)
            at[*each] = (word *)each + 1;
}

/* Copies the program headers as the loader shall see them. Gives something else than 0 where a loader has been here: it leaves the
   address of its list of objects in DT_DEBUG. */
static word copy_headers(struct memory *memory, word headers, word count)
{
    word bias = 0, loaded = 0;
    copy(memory->headers.segments, (const void *)headers, count * sizeof(struct segment));
    for (struct segment *each = memory->headers.segments; count--; each++) { /* PT_PHDR comes first */
        if (each->type == PT_PHDR) {
            bias = headers - each->vaddr;
            each->vaddr = (word)memory->headers.segments - bias;
        }
        if (each->type == HIDDEN_INTERPRETER) {
#ifdef CHOOSES
            join(memory->loader, 0, (const char *)(bias + each->vaddr));
#endif
            each->type = PT_INTERP;
            each->vaddr = (word)memory->loader - bias;
        }
        if (each->type == PT_DYNAMIC)
            for (word *tag = (word *)(bias + each->vaddr); *tag; tag += 2) {
                if (*tag == DT_DEBUG)
                    loaded |= tag[1];
#ifdef CHOOSES
                if (*tag == OWN_RPATH)
                    memory->own_rpath = tag;
#endif
            }
    }
    return loaded;
}

/* Goes on to the loader, or, when one brought us here, to the program. `loaded` is the register in which a loader of glibc passes a
   function to its program, and the kernel 0; AT_BASE is 0 as well where no loader was started. The two words below the stack are
   free. */
ENTRY _Noreturn void prepare(word *stack, const struct parameters *parameters, word loaded)
{
    word *end = stack + *stack + 2;
    while (*end)
        end++;
    word *at[KNOWN], own = (word)parameters + (word)parameters->entry;
    find_all(at, end);
    const char *wanted = (const char *)parameters + parameters->path, *called = (const char *)*at[AT_EXECFN];
    struct memory *memory = 0;
    word seen = loaded | *at[AT_BASE];
    if (!seen) {
        word place = *at[AT_SECURE] ? (word)-REFUSED : zeros(sizeof *memory);
        if (failed(place))
            fail(called, wanted, place);
        memory = (void *)place;
        seen = copy_headers(memory, *at[AT_PHDR], *at[AT_PHNUM]);
    }
    if (seen) {
        if (end[-1] && end[-1] == end[-2]) { /* put there below: they become the end, and an empty entry of the vector */
            end[-2] = 0;
            end[-1] = AT_IGNORE;
            *at[AT_ENTRY] = own;
        }
        enter(stack, own, loaded);
    }

    char *program = memory->program, *loader = memory->loader;
    int by_name = !read_link("/proc/self/exe", program) || program[0] != '/';
    if (by_name)
        find_by_name(memory, called);
    word size = folder(program), in_page = *at[AT_PAGESZ] - 1;
    word base = -1;
#ifdef CHOOSES
    base = map_loader(memory, in_page, parameters->floor);
#endif
    if (failed(base)) {
        copy(loader, program, size);
        join(loader, size, wanted);
        base = map_loader(memory, in_page, 0);
        if (failed(base))
            fail(program, loader, base);
#ifdef CHOOSES
        if (memory->own_rpath)
            *memory->own_rpath = DT_RPATH;
#endif
    }

    *at[AT_PHDR] = (word)memory->headers.segments;
    *at[AT_BASE] = base;
    if (by_name) { /* AT_ENTRY stays: the loader comes back here */
        copy(memory->origin, "LD_ORIGIN_PATH=", sizeof memory->origin);
        program[size] = 0;
        word *to = stack -= 2;
        for (; to < end - 2; to++)
            to[0] = to[2];
        to[0] = to[1] = (word)memory->origin; /* two: the stack stays aligned */
    } else
        *at[AT_ENTRY] = own;
    enter(stack, base + memory->file.header.entry, 0);
}

#pragma clang attribute pop
