"""What graphs of libraries are made of: one compiled template for every library, a program that loads them, a loader of our own.

The loader is the machine's, with one of its compiled-in folders overwritten by a folder of ours: so that has what a host has in
/usr/lib, and can be changed between the run of the source and that of the bundle. No namespace, no root is needed for it. musl's
reads the name of such a folder from a file beside it.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from bundler.binaries.elf import UNCHANGED, Edits, PathTag, plan_patch, read_image
from bundler.systems.linux.glibc import GLIBC
from bundler.systems.linux.loader import Loader
from bundler.systems.linux.musl import MUSL
from tests.binaries.elf.programs import compile_c
from tests.material.environments import run
from tests.material.musl import LOADER, musl_gcc, musl_loader
from tests.systems.linux.real_loader import image_of, program_of_this_machine

FOLDER = b"/usr/lib/x86_64-linux-gnu/"
"""The folder in the loader that ours takes the place of: their names have the same length."""
MARK = b"FILE-NUMBER:%06d"

_TEMPLATE = """
extern void *dlopen(const char *, int);
const char mark[] = "FILE-NUMBER:000000";
void *opener(const char *name) { void *volatile found = dlopen(name, 2); return found; }
"""
_PROGRAM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern ElfW(Dyn) _DYNAMIC[];
static char line[4096];
const char mark[] = "FILE-NUMBER:000000";

static void *own(const char *name) { void *volatile found = dlopen(name, RTLD_NOW); return found; }

static void tell(const char *word) {
    ElfW(Dyn) *tag = _DYNAMIC;
    while (tag->d_tag != DT_DEBUG) tag++;
    printf("%s", word);
    for (struct link_map *map = ((struct r_debug *)tag->d_un.d_ptr)->r_map; map; map = map->l_next)
        if (map->l_name[0] == '/') printf("\t%s", map->l_name);
    printf("\n");
    fflush(stdout);
}

/* Standard input, blocks that each begin with `process`: `import NUMBER PATH`; `open NUMBER NAME`: that import opens a name;
   `from LIBRARY NAME`: a library that is loaded does. */
static void run(char **lines) {
    void *(*libpython)(const char *) = (void *(*)(const char *))dlsym(RTLD_DEFAULT, "opener");
    void *(*python)(const char *) = libpython ? libpython : own;
    void *handles[100] = {0};
    tell("process");
    for (; *lines && strcmp(*lines, "process"); lines++) {
        char *text = *lines;
        char *name = strrchr(text, ' ') + 1;
        char *what = strchr(text, ' ') + 1;
        void *found = 0, *opener = 0;
        if (!strncmp(text, "import ", 7)) found = handles[atoi(what)] = python(name);
        if (!strncmp(text, "open ", 5)) opener = handles[atoi(what)];
        if (!strncmp(text, "from ", 5)) name[-1] = 0, opener = dlopen(what, RTLD_NOW | RTLD_NOLOAD);
        if (opener) found = ((void *(*)(const char *))dlsym(opener, "opener"))(name);
        tell(found ? "done" : "failed");
    }
}

int main(void) {
    static char text[1 << 20];
    static char *lines[10000];
    int count = 0;
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n")) lines[count++] = line;
    if (!count) run(lines);
    for (int i = 0; i < count; i++) {
        if (strcmp(lines[i], "process")) continue;
        fflush(stdout);
        pid_t child = fork();
        if (!child) { run(lines + i + 1); fflush(stdout); _exit(0); }
        int status;
        waitpid(child, &status, 0);
        if (status) { printf("died\n"); fflush(stdout); }
    }
    return 0;
}
"""


@dataclass(frozen=True)
class Header:
    """What a file says of itself: a name, what it needs, a search path and its tag."""

    soname: str = ""
    needs: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    tag: PathTag = PathTag.RPATH


class DoesNotStart(Exception):
    """A program does not find what it needs to begin with."""


@dataclass(frozen=True)
class Seen:
    """What one command did: whether it came to its end, and every file that the process had loaded then, in order."""

    done: bool
    loaded: tuple[str, ...]


@dataclass(frozen=True)
class Kit:
    """A place to build graphs in, one after the other; `host` is the loader's folder while the source runs."""

    root: Path
    template: bytes
    program: bytes
    rules: Loader
    """The loader's."""
    choose: Callable[[str], None]
    """Whether the loader is `host` or `wild`."""

    @property
    def host(self) -> Path:
        """The folder of the host's libraries."""
        return self.root / "host"

    @property
    def wild(self) -> Path:
        """The same on the machine on which the bundle runs."""
        return self.root / "wild"

    def clear(self) -> None:
        """Away with the last graph."""
        for name in os.listdir(self.root):
            if name != "loaders":
                shutil.rmtree(self.root / name)
        self.host.mkdir()
        self.wild.mkdir()

    def library(self, number: int, header: Header) -> bytes:
        """A library with a number and this header."""
        return _numbered(_made(self.template, header), number)

    def executable(self, number: int, header: Header) -> bytes:
        """A program: the interpreter, or another one."""
        return _numbered(_made(self.program, header), number)

    def run(
        self, program: Path, processes: Sequence[Sequence[str]], on: str, library_path: str = ""
    ) -> list[list[Seen]]:
        """What a program does in each process, `on` the host or in the wild; the first is what it has at its start."""
        self.choose(on)
        text = "".join(f"process\n{''.join(f'{line}{chr(10)}' for line in process)}" for process in processes)
        variables = {"LD_LIBRARY_PATH": library_path} if library_path else {}
        done = subprocess.run([program], input=text, capture_output=True, text=True, check=False, env=variables)
        blocks: list[list[Seen]] = []
        for line in done.stdout.splitlines():
            word, *loaded = line.split("\t")
            assert word != "died", (program, text)
            if word == "process":
                blocks.append([])
            blocks[-1].append(Seen(word != "failed", tuple(filter(self._is_ours, loaded))))
        if done.returncode != 0:
            raise DoesNotStart(done.stderr)
        return blocks

    def _is_ours(self, path: str) -> bool:
        return path.startswith(f"{self.root}/") and "/loaders/" not in path


def number_of(path: str | Path) -> int:
    """The number of a library, by its contents."""
    found = re.search(rb"FILE-NUMBER:(\d{6})", Path(path).read_bytes())
    assert found is not None, path
    return int(found[1])


def open_kit() -> Iterator[Kit]:
    """A kit for one test session; skips without a compiler, or where the loader has other folders."""
    with tempfile.TemporaryDirectory() as made:
        template = compile_c(_TEMPLATE, Path(made) / "t.so", "-shared", "-nostdlib", "-O0", "-Wl,-z,noseparate-code")
        program = compile_c(_PROGRAM, Path(made) / "program", "-ldl", "-Wl,--no-as-needed")
        loader = Path(os.path.realpath(image_of(program_of_this_machine()).interpreter or ""))
        data = loader.read_bytes()
        # A path as long as the folder that it takes the place of: `/tmp/`, a name, `/host/`.
        room = len(FOLDER) - len("/tmp/" + "/host/")
        if data.count(FOLDER) == 0 or not os.access("/tmp", os.W_OK):
            pytest.skip("the machine's loader does not look into Debian's folders")
        name = f"g{os.getpid()}".ljust(room, "x")[:room]
        root = Path("/tmp") / name
        (root / "loaders").mkdir(parents=True)
        try:
            loaders = {}
            for on in ("host", "wild"):
                loaders[on] = root / "loaders" / on
                loaders[on].write_bytes(data.replace(FOLDER, f"{root}/{on}/".encode()))
                loaders[on].chmod(0o755)
            link = root / "loaders/ld.so"

            def choose(on: str) -> None:
                link.unlink(missing_ok=True)
                link.symlink_to(loaders[on])

            started = edited(program.read_bytes(), Edits(interpreter=str(link)))
            yield Kit(root, template.read_bytes(), started, GLIBC, choose)
        finally:
            shutil.rmtree(root)


def open_musl_kit() -> Iterator[Kit]:
    """The same with musl's loader; skips without its packages or a compiler."""
    gcc = musl_gcc()
    with tempfile.TemporaryDirectory(prefix="graphs-") as folder:
        made = Path(folder)
        root = made / "root"
        template = compile_c(_TEMPLATE, made / "t.so", "-shared", "-nostdlib", "-O0", "-Wl,-z,noseparate-code")
        (made / "program.c").write_text(_PROGRAM)
        run([*gcc, "-Wl,--no-as-needed", made / "program.c", "-o", made / "program"])
        loader = root / "loaders/lib" / LOADER
        loader.parent.mkdir(parents=True)
        shutil.copy(musl_loader(), loader)
        directories = Path(MUSL.directories_file(str(loader)))
        directories.parent.mkdir()

        def choose(on: str) -> None:
            directories.write_text(f"{root}/{on}")

        started = edited((made / "program").read_bytes(), Edits(interpreter=str(loader)))
        yield Kit(root, template.read_bytes(), started, MUSL, choose)


def edited(data: bytes, edits: Edits) -> bytes:
    """A file's bytes with edits."""
    file = BytesIO(data)
    plan = plan_patch(file, read_image(file), edits)
    return data if plan is None else plan.patch.apply(data)


@functools.lru_cache(1 << 14)
def _made(data: bytes, header: Header) -> bytes:
    return edited(
        data,
        Edits(
            rpath=":".join(header.path) if header.path else UNCHANGED,
            path_tag=header.tag,
            added=header.needs,
            soname=header.soname or UNCHANGED,
        ),
    )


def _numbered(data: bytes, number: int) -> bytes:
    return data.replace(MARK % 0, MARK % number)
