/*
 * Disturbs one of the calls by which a program asks the system for something: the n-th fails, moves fewer bytes than it was asked to, has a
 * signal come with it, or finds the disk full, which it stays. Loaded by LD_PRELOAD. What shall happen stands in a file that all processes map (`struct control`, whose
 * twin is `Control` in layer.py).
 *
 * The program arms it (`fault_layer_arm`); its forks are armed then, too, and no program that it starts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, ERROR, SHORT, SIGNAL, FULL };

struct control {
    _Atomic uint64_t count; /* calls until now, of all processes together */
    uint64_t at;            /* the number of the call that is disturbed; 0: none */
    int32_t what;           /* one of the above */
    int32_t variant;        /* which of the errors that such a call can give */
    int32_t signal;         /* its number */
    int32_t leader;         /* the process that it is sent to */
    int32_t hit;            /* whether anything was disturbed */
    int32_t error;          /* the error that was given */
    char call[32];          /* the call that was disturbed */
    char path[4000];        /* and what it was about, as far as that is known */
};

static struct control *control;
static volatile int armed;

/* What each kind of call can fail with, and whether it does on a disk that is full. */
struct errors {
    int takes_room;
    int numbers[4];
};
static const struct errors OPENING = {0, {EACCES, EIO, ENOENT, EMFILE}};
static const struct errors CREATING = {1, {ENOSPC, EACCES, EROFS, EDQUOT}};
static const struct errors WRITING = {1, {ENOSPC, EIO, EDQUOT, EFBIG}};
static const struct errors READING = {0, {EIO, ESTALE, ENOMEM, EIO}};
static const struct errors COPYING = {1, {ENOSPC, EIO, EXDEV, EDQUOT}};
static const struct errors RENAMING = {0, {EACCES, EXDEV, EBUSY, EIO}};
static const struct errors LINKING = {1, {EXDEV, EMLINK, ENOSPC, EPERM}};
static const struct errors REMOVING = {0, {EACCES, EBUSY, EIO, EROFS}};
static const struct errors LOOKING = {0, {EACCES, EIO, ENOENT, ELOOP}};
static const struct errors CHANGING = {0, {EPERM, EIO, EROFS, EACCES}};
static const struct errors SYNCING = {0, {EIO, ENOSPC, EDQUOT, EROFS}};
static const struct errors LOCKING = {0, {ENOLCK, EBADF, EINTR, EIO}};
static const struct errors MAPPING = {0, {ENOMEM, ENODEV, EACCES, EAGAIN}};
static const struct errors STARTING = {0, {EAGAIN, ENOMEM, EAGAIN, ENOMEM}};
static const struct errors PIPING = {0, {EMFILE, ENFILE, EMFILE, ENFILE}};
static const struct errors ASKING = {0, {ENOSYS, EIO, EACCES, EINVAL}};

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        fprintf(stderr, "fault layer: there is no %s\n", name);
        abort();
    }
    return found;
}

__attribute__((constructor)) static void open_control(void)
{
    const char *path = getenv("FAULT_LAYER");
    if (!path || control)
        return;
    int descriptor = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return;
    void *found = REAL(mmap)(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (found == MAP_FAILED)
        return;
    control = found;
}

/* From now on calls of this process and of its forks count; a signal comes to this process. */
__attribute__((visibility("default"))) void fault_layer_arm(void)
{
    control->leader = getpid();
    armed = 1;
}

/* None of them counts any more. */
__attribute__((visibility("default"))) void fault_layer_disarm(void)
{
    armed = 0;
}

static void note(const char *call, const char *path, int descriptor, int error)
{
    control->hit = 1;
    control->error = error;
    strncpy(control->call, call, sizeof control->call - 1);
    if (path) {
        strncpy(control->path, path, sizeof control->path - 1);
    } else if (descriptor >= 0) {
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        ssize_t size = REAL(readlink)(name, control->path, sizeof control->path - 1);
        control->path[size > 0 ? size : 0] = 0;
    }
}

/* What shall become of a call: NOTHING, ERROR (with errno set) or SHORT. */
static int fate(const char *call, const struct errors *errors, const char *path, int descriptor, int can_be_short)
{
    if (!armed || !control)
        return NOTHING;
    uint64_t number = atomic_fetch_add(&control->count, 1) + 1;
    uint64_t at = control->at;
    if (!at || number < at || (number > at && !(control->what == FULL && control->hit && errors->takes_room)))
        return NOTHING;
    switch (control->what) {
    case ERROR:
        note(call, path, descriptor, errors->numbers[control->variant & 3]);
        errno = control->error;
        return ERROR;
    case FULL:
        if (!errors->takes_room)
            return NOTHING;
        if (number == at)
            note(call, path, descriptor, ENOSPC);
        errno = ENOSPC;
        return ERROR;
    case SHORT:
        if (!can_be_short)
            return NOTHING;
        note(call, path, descriptor, 0);
        return SHORT;
    case SIGNAL:
        note(call, path, descriptor, 0);
        kill(control->leader, control->signal);
        return NOTHING;
    }
    return NOTHING;
}

/* Whether a descriptor is of a file: what goes through a pipe or to a terminal is left alone. */
static int is_file(int descriptor)
{
    struct stat facts;
    return armed && descriptor > 2 && REAL(fstat)(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}

#define FAILS(name, errors, path, descriptor) (fate(name, &errors, path, descriptor, 0) == ERROR)

/* Opening. */

static const struct errors *errors_of(int flags)
{
    return flags & (O_WRONLY | O_RDWR | O_CREAT) ? &CREATING : &OPENING;
}

#define MODE_OF(flags)                                                                                                                \
    mode_t mode = 0;                                                                                                                  \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                                          \
        va_list more;                                                                                                                 \
        va_start(more, flags);                                                                                                        \
        mode = va_arg(more, mode_t);                                                                                                  \
        va_end(more);                                                                                                                 \
    }

#define OPEN(name)                                                                                                                    \
    int name(const char *path, int flags, ...)                                                                                        \
    {                                                                                                                                 \
        MODE_OF(flags)                                                                                                                \
        return fate("open", errors_of(flags), path, -1, 0) == ERROR ? -1 : REAL(name)(path, flags, mode);                            \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                                  \
    int name(int folder, const char *path, int flags, ...)                                                                            \
    {                                                                                                                                 \
        MODE_OF(flags)                                                                                                                \
        return fate("openat", errors_of(flags), path, -1, 0) == ERROR ? -1 : REAL(name)(folder, path, flags, mode);                  \
    }
OPENAT(openat)
OPENAT(openat64)

FILE *fopen64(const char *path, const char *mode)
{
    return FAILS("fopen", OPENING, path, -1) ? NULL : REAL(fopen64)(path, mode);
}

DIR *opendir(const char *path)
{
    return FAILS("opendir", OPENING, path, -1) ? NULL : REAL(opendir)(path);
}

DIR *fdopendir(int descriptor)
{
    return FAILS("fdopendir", OPENING, NULL, descriptor) ? NULL : REAL(fdopendir)(descriptor);
}

struct dirent64 *readdir64(DIR *folder)
{
    return FAILS("readdir", READING, NULL, dirfd(folder)) ? NULL : REAL(readdir64)(folder);
}

/* A close that fails has closed the file all the same: network file systems tell of a full disk there. */
int close(int descriptor)
{
    int failing = is_file(descriptor) && (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY && FAILS("close", SYNCING, NULL, descriptor);
    int error = errno;
    int result = REAL(close)(descriptor);
    if (!failing)
        return result;
    errno = error;
    return -1;
}

/* Reading and writing. */

#define MOVE(call, errors, descriptor, size, real_call)                                                                               \
    if (is_file(descriptor))                                                                                                          \
        switch (fate(call, &errors, NULL, descriptor, (size) > 1)) {                                                                  \
        case ERROR:                                                                                                                   \
            return -1;                                                                                                                \
        case SHORT:                                                                                                                   \
            size /= 2;                                                                                                                \
        }                                                                                                                             \
    return real_call;

ssize_t read(int descriptor, void *data, size_t size)
{
    MOVE("read", READING, descriptor, size, REAL(read)(descriptor, data, size))
}

ssize_t pread64(int descriptor, void *data, size_t size, off64_t at)
{
    MOVE("pread", READING, descriptor, size, REAL(pread64)(descriptor, data, size, at))
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    MOVE("write", WRITING, descriptor, size, REAL(write)(descriptor, data, size))
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t at)
{
    MOVE("pwrite", WRITING, descriptor, size, REAL(pwrite64)(descriptor, data, size, at))
}

ssize_t copy_file_range(int from, off64_t *there, int to, off64_t *here, size_t size, unsigned flags)
{
    MOVE("copy_file_range", COPYING, to, size, REAL(copy_file_range)(from, there, to, here, size, flags))
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size)
{
    MOVE("sendfile", COPYING, to, size, REAL(sendfile64)(to, from, at, size))
}

#define MOVE_VECTOR(name, errors, function)                                                                                           \
    if (is_file(descriptor))                                                                                                          \
        switch (fate(name, &errors, NULL, descriptor, count > 0 && parts[0].iov_len > 1)) {                                           \
        case ERROR:                                                                                                                   \
            return -1;                                                                                                                \
        case SHORT: {                                                                                                                 \
            struct iovec part = {parts[0].iov_base, parts[0].iov_len / 2};                                                            \
            return function(descriptor, &part, 1);                                                                                    \
        }                                                                                                                             \
        }                                                                                                                             \
    return function(descriptor, parts, count);

ssize_t readv(int descriptor, const struct iovec *parts, int count)
{
    MOVE_VECTOR("readv", READING, REAL(readv))
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    MOVE_VECTOR("writev", WRITING, REAL(writev))
}

int fsync(int descriptor)
{
    return FAILS("fsync", SYNCING, NULL, descriptor) ? -1 : REAL(fsync)(descriptor);
}

int fdatasync(int descriptor)
{
    return FAILS("fdatasync", SYNCING, NULL, descriptor) ? -1 : REAL(fdatasync)(descriptor);
}

int ftruncate64(int descriptor, off64_t size)
{
    return FAILS("ftruncate", WRITING, NULL, descriptor) ? -1 : REAL(ftruncate64)(descriptor, size);
}

int posix_fallocate64(int descriptor, off64_t at, off64_t size)
{
    return FAILS("fallocate", WRITING, NULL, descriptor) ? errno : REAL(posix_fallocate64)(descriptor, at, size);
}

void *mmap64(void *place, size_t size, int protection, int flags, int descriptor, off64_t at)
{
    if (!(flags & MAP_ANONYMOUS) && FAILS("mmap", MAPPING, NULL, descriptor))
        return MAP_FAILED;
    return REAL(mmap64)(place, size, protection, flags, descriptor, at);
}

int flock(int descriptor, int operation);
int flock(int descriptor, int operation)
{
    return FAILS("flock", LOCKING, NULL, descriptor) ? -1 : REAL(flock)(descriptor, operation);
}

/* What is in a folder, and what is known of it. */

#define CALL(name, shown, errors, path, descriptor, parameters, arguments)                                                            \
    int name parameters                                                                                                               \
    {                                                                                                                                 \
        return FAILS(shown, errors, path, descriptor) ? -1 : REAL(name) arguments;                                                    \
    }
CALL(mkdir, "mkdir", CREATING, path, -1, (const char *path, mode_t mode), (path, mode))
CALL(mkdirat, "mkdirat", CREATING, path, -1, (int folder, const char *path, mode_t mode), (folder, path, mode))
CALL(rmdir, "rmdir", REMOVING, path, -1, (const char *path), (path))
CALL(unlink, "unlink", REMOVING, path, -1, (const char *path), (path))
CALL(unlinkat, "unlinkat", REMOVING, path, -1, (int folder, const char *path, int flags), (folder, path, flags))
CALL(rename, "rename", RENAMING, to, -1, (const char *from, const char *to), (from, to))
CALL(renameat, "renameat", RENAMING, to, -1, (int here, const char *from, int there, const char *to), (here, from, there, to))
CALL(renameat2, "renameat2", RENAMING, to, -1, (int here, const char *from, int there, const char *to, unsigned flags),
     (here, from, there, to, flags))
CALL(link, "link", LINKING, to, -1, (const char *from, const char *to), (from, to))
CALL(linkat, "linkat", LINKING, to, -1, (int here, const char *from, int there, const char *to, int flags),
     (here, from, there, to, flags))
CALL(symlink, "symlink", CREATING, to, -1, (const char *target, const char *to), (target, to))
CALL(symlinkat, "symlinkat", CREATING, to, -1, (const char *target, int folder, const char *to), (target, folder, to))
CALL(chmod, "chmod", CHANGING, path, -1, (const char *path, mode_t mode), (path, mode))
CALL(fchmod, "fchmod", CHANGING, NULL, descriptor, (int descriptor, mode_t mode), (descriptor, mode))
CALL(fchmodat, "fchmodat", CHANGING, path, -1, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags))
CALL(chown, "chown", CHANGING, path, -1, (const char *path, uid_t user, gid_t group), (path, user, group))
CALL(lchown, "lchown", CHANGING, path, -1, (const char *path, uid_t user, gid_t group), (path, user, group))
CALL(fchown, "fchown", CHANGING, NULL, descriptor, (int descriptor, uid_t user, gid_t group), (descriptor, user, group))
CALL(utimensat, "utimensat", CHANGING, path, -1, (int folder, const char *path, const struct timespec times[2], int flags),
     (folder, path, times, flags))
CALL(futimens, "futimens", CHANGING, NULL, descriptor, (int descriptor, const struct timespec times[2]), (descriptor, times))
CALL(access, "access", LOOKING, path, -1, (const char *path, int mode), (path, mode))
CALL(faccessat, "faccessat", LOOKING, path, -1, (int folder, const char *path, int mode, int flags), (folder, path, mode, flags))
CALL(stat64, "stat", LOOKING, path, -1, (const char *path, struct stat64 *facts), (path, facts))
CALL(lstat64, "lstat", LOOKING, path, -1, (const char *path, struct stat64 *facts), (path, facts))
CALL(fstat64, "fstat", LOOKING, NULL, descriptor, (int descriptor, struct stat64 *facts), (descriptor, facts))
CALL(fstatat64, "fstatat", LOOKING, path, -1, (int folder, const char *path, struct stat64 *facts, int flags),
     (folder, path, facts, flags))
CALL(statvfs64, "statvfs", ASKING, path, -1, (const char *path, struct statvfs64 *facts), (path, facts))
CALL(fstatvfs64, "fstatvfs", ASKING, NULL, descriptor, (int descriptor, struct statvfs64 *facts), (descriptor, facts))

ssize_t readlink(const char *path, char *target, size_t size)
{
    return FAILS("readlink", LOOKING, path, -1) ? -1 : REAL(readlink)(path, target, size);
}

ssize_t readlinkat(int folder, const char *path, char *target, size_t size)
{
    return FAILS("readlinkat", LOOKING, path, -1) ? -1 : REAL(readlinkat)(folder, path, target, size);
}

char *getcwd(char *path, size_t size)
{
    return FAILS("getcwd", LOOKING, NULL, -1) ? NULL : REAL(getcwd)(path, size);
}

/* The one that Python makes is FICLONE: blocks of one file for another. */
int ioctl(int descriptor, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (request == 0x40049409 && FAILS("ficlone", COPYING, NULL, descriptor))
        return -1;
    return REAL(ioctl)(descriptor, request, argument);
}

/* Processes. vfork returns twice and cannot be wrapped; fork does all that it does. */

pid_t vfork(void)
{
    return FAILS("vfork", STARTING, NULL, -1) ? -1 : REAL(fork)();
}

pid_t fork(void)
{
    return FAILS("fork", STARTING, NULL, -1) ? -1 : REAL(fork)();
}

int pipe2(int ends[2], int flags)
{
    return FAILS("pipe", PIPING, NULL, -1) ? -1 : REAL(pipe2)(ends, flags);
}

int execve(const char *path, char *const arguments[], char *const variables[])
{
    return FAILS("execve", OPENING, path, -1) ? -1 : REAL(execve)(path, arguments, variables);
}
