"""Programs that bring their own loader and libc: a folder with `bin` and `lib`, and what such a program says of itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bundler.binaries.elf import Edits, read_image
from tests.binaries.elf.patching import edit
from tests.binaries.elf.programs import compiler

RPATH = "$ORIGIN/../lib"

ABOUT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
extern char **environ;
static __thread int counter = 5;
static int constructed, headers;
__attribute__((constructor)) static void construct(void) { constructed = 1; }
static void *run(void *unused) { return (void *)(long)++counter; }
static int count(struct dl_phdr_info *info, size_t size, void *data) {
    for (int i = 0; !*info->dlpi_name && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            headers |= strstr((char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, "ld-") != 0;
    return 0;
}
int main(int argc, char **argv) {
    char exe[4096] = "";
    long in_thread = 0;
    pthread_t thread;
    Dl_info libc;
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0) strcpy(exe, "unknown");
    if (argc > 1 && !strcmp(argv[1], "sh")) { execl("/bin/sh", "sh", "-c", argv[2], NULL); return 9; }
    if (argc > 1 && !strcmp(argv[1], "abort")) abort();
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, (void **)&in_thread);
    dl_iterate_phdr(count, NULL);
    dladdr(dlsym(RTLD_NEXT, "getpid"), &libc); /* the address of a function here may be one of the program's own */
    printf("exe %s\nname %s\nlibc %s\nthread %ld %d\n", exe, argv[0], libc.dli_fname, in_thread, counter);
    printf("constructed %d\ninterpreter %d\n", constructed, headers);
    printf("entry %d\n", getauxval(AT_ENTRY) != 0 && getauxval(AT_BASE) != 0);
    printf("open %d\n", fcntl(3, F_GETFD) >= 0);
    for (char **each = environ; *each; each++) printf("variable %s\n", *each);
    for (int i = 1; i < argc; i++) printf("word %s\n", argv[i]);
    return 42;
}
"""

THROWS = r"""
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
thread_local std::string mine = "first";
struct Guard { ~Guard() { std::puts("unwound"); } };
static int deep(int level) {
    Guard guard;
    if (level == 0) throw std::runtime_error("thrown in " + mine);
    return deep(level - 1) + 1;
}
int main() {
    std::string caught;
    std::thread other([&] { mine = "a thread"; try { deep(2); } catch (const std::exception &error) { caught = error.what(); } });
    other.join();
    std::puts(caught.c_str());
    try { deep(0); } catch (const std::runtime_error &error) { std::puts(error.what()); }
    return 0;
}
"""


def compile_program(source: str, out: Path, *flags: str, cxx: bool = False) -> Path:
    """Compile C (or C++) text to a program with the search path of these bundles."""
    out.parent.mkdir(parents=True, exist_ok=True)
    text = out.with_suffix(".cc" if cxx else ".c")
    text.write_text(source)
    gcc = compiler(flags)
    command = [
        gcc[0].replace("gcc", "g++") if cxx else gcc[0],
        *gcc[1:],
        "-g",
        "-O1",
        *flags,
        str(text),
        "-o",
        str(out),
        "-pthread",
    ]
    done = subprocess.run(
        [*command, f"-Wl,-rpath,{RPATH}", "-Wl,--disable-new-dtags"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def libraries_of(program: Path) -> dict[str, Path]:
    """The libraries that a program of this machine loads, by the names that it asks for; the loader among them."""
    with program.open("rb") as file:
        interpreter = read_image(file).interpreter
    assert interpreter is not None
    found = {os.path.basename(interpreter): Path(interpreter)}
    said = subprocess.run(
        [str(program)], capture_output=True, text=True, check=True, env={"LD_TRACE_LOADED_OBJECTS": "1"}
    ).stdout
    for line in said.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if arrow and path.startswith("/"):
            found[name] = Path(path.split(" (", maxsplit=1)[0])
    return found


def give_loader(program: Path, libraries: dict[str, Path] | None = None) -> str:
    """Let `bin/program` start with a loader in the `lib` beside it, which gets all that it loads; gives the stub's path of it."""
    libraries = libraries_of(program) if libraries is None else libraries
    folder = program.parent.parent / "lib"
    folder.mkdir(exist_ok=True)
    for name, path in libraries.items():
        shutil.copy(path, folder / name)
    loader = next(name for name in libraries if name.startswith("ld"))
    edit(program, Edits(own_loader=f"../lib/{loader}", rpath=RPATH))
    return f"../lib/{loader}"


def start(
    command: Sequence[str | Path], env: dict[str, str] | None = None, **how: object
) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables alone."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(word) for word in command], capture_output=True, text=True, check=False, env=env or {}, **how
    )
