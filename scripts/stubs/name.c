/* The name stub: lets a Python find its own place under whatever name it was started.

   Python looks for its parts from the place that argv[0] tells, and where that has no slash, from the file of this name that comes
   first on PATH (getpath, all versions). A supervisor, `exec -a`, a login shell and a link with another name tell it another
   file, or none. So where argv[0] does not lead to the file that runs, it becomes how the kernel was told of it (AT_EXECFN: links to
   the program stay what they are), or else the path of that file. Where it does, nothing is changed.

   The loader comes here in place of the program's own entry point, or the entry stub with its own loader does. Only the pointer is
   another one: what `ps` shows is the name that was given. Without /proc only names without a slash are changed; where a loader was
   started by hand (AT_BASE is 0) nothing is, for the file that runs is the loader. */

#pragma clang attribute push(__attribute__((minsize)), apply_to = function)

#include "machine.h"

enum { PATH = 4096, STATUS = 64 };
enum { AT_BASE = 7, AT_EXECFN = 31 };
enum { AT_FDCWD = -100, PROT_READ = 1, PROT_WRITE, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32 };
enum { S_IFMT = 0170000, S_IFREG = 0100000 };
enum { SYS_fstatat = MACHINE == 62 ? 262 : MACHINE == 3 ? 300 : MACHINE == 40 ? 327 : 79 };
enum { IDENTITY = 4, MODE = MACHINE == 62 ? 6 : 4 }; /* of struct stat, in words of 4 bytes: device and inode, st_mode */

/* What the patcher fills in, in front of the code; binaries/elf/stubs describes it. */
struct parameters {
    unsigned char magic[8];
    unsigned size, none;
    long long entry; /* the program's own: from here */
    long long more[2];
};

struct start {
    const char *called, *told; /* argv[0], and AT_EXECFN */
    unsigned self[STATUS], other[STATUS];
    char program[PATH], tried[PATH];
};

/* Whether there is a file, or more, at `path`; `status` is what the kernel says of it. */
static __attribute__((noinline)) int look(const char *path, unsigned *status)
{
    return !failed(call4(SYS_fstatat, AT_FDCWD, (word)path, (word)status, 0));
}

/* Whether the file at `path` is the one that runs. */
static __attribute__((noinline)) int is_self(struct start *start, const char *path)
{
    int same = look(path, start->other);
    for (int at = 0; at < IDENTITY; at++)
        same &= start->self[at] == start->other[at];
    return same;
}

static __attribute__((noinline)) int has_slash(const char *path)
{
    while (*path && *path != '/')
        path++;
    return *path;
}

/* Whether `path` (of the variable) leads to the file that runs: Python takes the first executable file of the name. Of a relative
   one it makes nothing (3.11 and later). */
static int is_found_on(struct start *start, const char *path)
{
    for (;;) {
        unsigned size = 0;
        const char *name = start->called;
        for (; *path && *path != ':'; path++)
            if (size < PATH - 2)
                start->tried[size++] = *path;
        if (size && start->tried[size - 1] != '/')
            start->tried[size++] = '/';
        while ((start->tried[size] = *name++) && size < PATH - 1)
            size++;
        start->tried[size] = 0;
        if (look(start->tried, start->other) && (start->other[MODE] & S_IFMT) == S_IFREG && start->other[MODE] & 0111)
            return start->tried[0] == '/' && is_self(start, start->tried);
        if (!*path++)
            return 0;
    }
}

/* `first` and `second` in memory that stays; 0 where there is none. */
static const char *kept(const char *first, const char *second)
{
    word place = map(0, 2 * PATH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (failed(place))
        return 0;
    char *to = (char *)place, *end = to + 2 * PATH - 1;
    while (*first)
        *to++ = *first++;
    while (*second && to < end)
        *to++ = *second++;
    return (char *)place;
}

/* The name by which Python finds its place; 0 where that is argv[0]. */
static const char *better_name(struct start *start, const char *path)
{
    int size = call4(SYS_readlinkat, AT_FDCWD, (word) "/proc/self/exe", (word)start->program, PATH - 1), known = 0;
    if (size > 0) {
        start->program[size] = 0;
        known = start->program[0] == '/' && look(start->program, start->self);
    }
    if (has_slash(start->called) ? !known || is_self(start, start->called)
                                 : known && *start->called && path && is_found_on(start, path))
        return 0;
    if (start->told && (known ? is_self(start, start->told) : look(start->told, start->other)))
        return has_slash(start->told) ? start->told : kept("./", start->told);
    return known ? kept("", start->program) : 0;
}

ENTRY _Noreturn void prepare(word *stack, const struct parameters *parameters, word loaded)
{
    const char **arguments = (const char **)stack + 1, **each = arguments + *stack + 1, *path = 0, *name;
    struct start start;
    for (; *each; each++) {
        const char *text = *each;
        if (!path && text[0] == 'P' && text[1] == 'A' && text[2] == 'T' && text[3] == 'H' && text[4] == '=')
            path = text + 5;
    }
    start.told = 0;
    word base = 0;
    for (const word *vector = (const word *)each + 1; vector[0]; vector += 2) {
        if (vector[0] == AT_BASE)
            base = vector[1];
        if (vector[0] == AT_EXECFN)
            start.told = (const char *)vector[1];
    }
    start.called = arguments[0];
    if (*stack && base && (name = better_name(&start, path)))
        arguments[0] = name;
    enter(stack, (word)parameters + (word)parameters->entry, loaded);
}

#pragma clang attribute pop
