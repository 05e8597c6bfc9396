/* The launcher: starts a program with words in front of its user's, both found relative to itself, in place of a shell.

   `launcher_*.S` makes a file that a kernel starts of this code; behind the code lie the words, which the packer puts there
   (binaries/elf/launchers describes them). The first is the program. It gets the others, the arguments of the launcher behind them,
   and the environment without those variables that tell Python where its own parts are. What it does with signals, files and its
   exit status is its own: the launcher is gone by then.

   The launcher's folder is that of /proc/self/exe, so links to it count as it does. Without /proc it is found by AT_EXECFN, as the
   kernel was told of it.

   Every failure is one line on standard error, and exit status 127. */

#pragma clang diagnostic ignored "-Wunused-function" /* it maps nothing */
#include "machine.h"

enum { SYS_execve = MACHINE == 62 ? 59 : 221 };
enum { PATH = 4096, SLOT = PATH + 64, LINKS = 40 };
enum { AT_NULL, AT_UID = 11, AT_EUID, AT_GID, AT_EGID, AT_EXECFN = 31 };
enum { AT_FDCWD = -100, E2BIG = 7, ENOENT = 2, EACCES = 13, ENOTDIR = 20 };
enum { PATH_WORD = 'p', CALLED_WORD = 'c' }; /* other words stand for themselves */

#define APART __attribute__((noinline))

/* In front of the code; filled in by the packer. */
struct parameters {
    char magic[8];
    unsigned words, count; /* where they begin, in bytes from here; how many there are */
};

struct start {
    const char *called;  /* as the kernel was told of the launcher: with a slash */
    char path[SLOT];     /* of the launcher */
    char other[SLOT];
    int by_name;
};

static APART word length(const char *text)
{
    word size = 0;
    while (text[size])
        size++;
    return size;
}

static APART void say(const char *text)
{
    call(SYS_write, 2, (word)text, length(text));
}

static APART _Noreturn void fail(const char *called, const char *program, const char *reason)
{
    say(called);
    say(": cannot start ");
    say(program);
    say(reason);
    for (;;)
        call(SYS_exit_group, 127, 0, 0);
}

/* `text` becomes its first `kept` bytes and `more`. Gives its new length. */
static APART word join(const struct start *start, char *text, word kept, const char *more)
{
    word size = length(more);
    if (kept + size >= SLOT)
        fail(start->called, more, ": its path is too long\n");
    for (word at = 0; at <= size; at++)
        ((volatile char *)text)[kept + at] = more[at]; /* volatile: no call of memcpy */
    return kept + size;
}

/* Whether `path` is a link; `target` is what it holds. */
static APART int read_link(const char *path, char *target)
{
    long size = call4(SYS_readlinkat, AT_FDCWD, (word)path, (word)target, PATH - 1);
    if (size < 0)
        return 0;
    target[size] = 0;
    return 1;
}

/* The length of what a path has in front of its last component, the slash included. */
static APART word folder(const char *path)
{
    word size = length(path);
    while (size && path[size - 1] != '/')
        size--;
    return size;
}

/* The launcher's path without /proc: as it was called, made absolute, links followed. */
static APART void find_by_name(struct start *start)
{
    char *path = start->path;
    word kept = 0;
    if (start->called[0] != '/') {
        word size = call(SYS_getcwd, (word)path, PATH, 0);
        if (size < PATH && path[0] == '/') {
            kept = size;
            path[kept - 1] = '/';
        }
    }
    join(start, path, kept, start->called);
    for (int links = 0; links < LINKS && read_link(path, start->other); links++)
        join(start, path, start->other[0] == '/' ? 0 : folder(path), start->other);
}

/* The word that the packer's stands for; a new one is made in `slot`. */
static APART const char *meant(const struct start *start, const char *text, char *slot)
{
    char kind = *text++;
    if (kind == CALLED_WORD) {
        join(start, slot, join(start, slot, 0, text), start->called);
        return slot;
    }
    if (kind != PATH_WORD)
        return text;
    join(start, slot, 0, start->path);
    word kept = folder(slot);
    while (!start->by_name && kept > 1 && text[0] == '.' && text[1] == '.' && text[2] == '/') { /* no links in it */
        text += 3;
        while (slot[--kept - 1] != '/')
            ;
    }
    join(start, slot, kept, text);
    return slot;
}

/* Whether `entry` sets one of `names`, each with a NUL behind it, and one more behind the last. */
static APART int sets(const char *entry, const char *names)
{
    while (*names) {
        word same = 0;
        while (names[same] && names[same] == entry[same])
            same++;
        if (!names[same])
            return 1;
        names += length(names) + 1;
    }
    return 0;
}

/* The value of an entry of the auxiliary vector; 0 for one that is not there. */
static APART word find(const word *vector, word type)
{
    while (vector[0] && vector[0] != type)
        vector += 2;
    return vector[1];
}

_Noreturn void launch(word *stack, const struct parameters *parameters)
{
    word given = *stack, count = parameters->count;
    const char **arguments = (const char **)stack + 1, **environment = arguments + given + 1, **kept = environment, **each;
    for (each = environment; *each; each++)
        if (!sets(*each, "PYTHONHOME=\0PYTHONPLATLIBDIR=\0PYTHONEXECUTABLE=\0__PYVENV_LAUNCHER__=\0"))
            *kept++ = *each;
    const word *vector = (const word *)each + 1;
    *kept = 0;

    struct start start;
    char slots[count][SLOT], here[SLOT];
    const char *command[count + given + 1];
    start.called = (const char *)find(vector, AT_EXECFN);
    if (!start.called)
        start.called = given ? arguments[0] : "launcher";
    const char *word_of = (const char *)parameters + parameters->words;
    if (find(vector, AT_UID) != find(vector, AT_EUID) || find(vector, AT_GID) != find(vector, AT_EGID))
        fail(start.called, word_of + 1, ": refused: it would have more rights than its user (setuid)\n");
    if (!folder(start.called)) {
        join(&start, here, join(&start, here, 0, "./"), start.called);
        start.called = here;
    }
    start.by_name = !read_link("/proc/self/exe", start.path) || start.path[0] != '/';
    if (start.by_name)
        find_by_name(&start);

    const char **next = command;
    for (word at = 0; at < count; at++) {
        *next++ = meant(&start, word_of, slots[at]);
        word_of += length(word_of) + 1;
    }
    for (word at = 1; at < given; at++)
        *next++ = arguments[at];
    *next = 0;
    int number = -(int)call(SYS_execve, (word)command[0], (word)command, (word)environment);
    fail(start.called, command[0],
         number == ENOENT || number == ENOTDIR ? ": it, or the loader that it names, is not there\n"
         : number == EACCES ? ": it may not be run\n"
         : number == E2BIG ? ": its arguments and environment are too long\n" : ": it cannot be run\n");
}
