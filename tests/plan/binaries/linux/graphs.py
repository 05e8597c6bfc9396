"""Small graphs of libraries as values: what a source is made of, and what its processes do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from bundler.binaries.elf import PathTag
from tests.plan.binaries.linux.kit import Header

T = TypeVar("T")

SITE = "env/lib/python3/site-packages"
NAMES = ("libqa.so.1", "libqb.so.1", "libqc.so.1", "libqd.so.1")
FOLDERS = (
    "host", "opt/one", "opt/two", "host/plugins", f"{SITE}/p", f"{SITE}/p/libs", f"{SITE}/q/libs", "path", "base/lib",
)  # fmt: skip
OUTSIDE = ("host", "opt/one", "opt/two", "host/plugins", "path")
ENTRIES = (
    "$ORIGIN", "$ORIGIN/libs", "$ORIGIN/plugins", "$ORIGIN/../q/libs", "$ORIGIN/..", "{root}/opt/one", "{root}/opt/two",
    "{root}/host", f"{{root}}/{SITE}/p/libs", "{root}/nothing",
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A library at a path below the root; needs may be absolute, and paths too, with `{root}`."""

    path: str
    header: Header


@dataclass(frozen=True)
class Import:
    """A process imports a module, by its index among the modules."""

    module: int


@dataclass(frozen=True)
class Open:
    """What the module with that index opens by its name."""

    module: int
    name: str


Action = Import | Open


@dataclass(frozen=True)
class Graph:
    """A source: the interpreter, libraries, modules that Python imports, programs, links, and processes."""

    executable: Header
    libpython: Header | None
    libraries: tuple[File, ...]
    modules: tuple[File, ...]
    programs: tuple[File, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """A path below the root, and its target as written."""
    processes: tuple[tuple[Action, ...], ...] = ()
    library_path: bool = False
    """Whether LD_LIBRARY_PATH of the environment names the folder `path`."""


def draw(seed: int) -> Graph:
    """The graph of a seed. Small numbers of few names in few places: so that they meet."""
    random = Random(seed)

    def some(choices: Sequence[T], most: int) -> tuple[T, ...]:
        return tuple(random.sample(choices, min(len(choices), random.randint(0, most))))

    names = NAMES[: random.randint(2, len(NAMES))]
    folders = ["host", *random.sample(FOLDERS[1:], random.randint(2, 5))]
    entries = random.sample(ENTRIES, random.randint(3, 7))
    everywhere = [f"{folder}/{name}" for folder in folders for name in names]
    paths = random.sample(everywhere, random.randint(3, min(12, len(everywhere))))
    absolute = [f"{{root}}/{path}" for path in paths] if random.random() < 0.15 else []

    def header(soname: str = "", most: int = 2) -> Header:
        needs = tuple(
            random.choice(absolute) if absolute and random.random() < 0.3 else name for name in some(names, most)
        )
        return Header(soname, tuple(dict.fromkeys(needs)), some(entries, 2), random.choice(list(PathTag)))

    def soname(path: str) -> str:
        own = path.rpartition("/")[2]
        return own if random.random() < 0.85 else random.choice(["", "libqz.so.9", *names])

    libraries = tuple(File(path, header(soname(path))) for path in paths)
    modules = tuple(
        File(
            f"{SITE}/{random.choice(['p', 'q', 'p/libs'])}/m{number}.cpython-3.so",
            header("" if random.random() < 0.9 else random.choice(names), 3),
        )
        for number in range(random.randint(1, 3))
    )
    imports: list[Action] = [Import(number) for number in range(len(modules))]
    opens: list[Action] = [Open(random.randrange(len(modules)), random.choice(names)) for _ in range(3)]
    processes = []
    for _ in range(random.randint(1, 3)):
        actions = imports + (opens[: random.randint(0, 3)] if random.random() < 0.6 else [])
        processes.append(tuple(random.sample(actions, len(actions))))
    links = {
        f"{random.choice(OUTSIDE)}/{random.choice(names)}": f"{{root}}/{random.choice(paths)}"
        for _ in range(random.randint(0, 2) if random.random() < 0.3 else 0)
    }
    return Graph(
        executable=Header(path=some(entries, 1), tag=random.choice(list(PathTag))),
        libpython=header("libpython3.so.1.0", 1 if random.random() < 0.3 else 0) if random.random() < 0.5 else None,
        libraries=libraries,
        modules=modules,
        programs=(File(f"{SITE}/r/prog", header()),) if random.random() < 0.2 else (),
        links=tuple((path, target) for path, target in links.items() if path not in paths),
        processes=tuple(processes),
        library_path=random.random() < 0.3,
    )


def smaller(graph: Graph) -> Iterator[Graph]:
    """Graphs with one thing less."""
    yield from (replace(graph, libraries=fewer) for fewer in _fewer(graph.libraries))
    yield from (replace(graph, links=fewer) for fewer in _fewer(graph.links))
    yield from (replace(graph, programs=fewer) for fewer in _fewer(graph.programs))
    yield from (replace(graph, processes=fewer) for fewer in _fewer(graph.processes))
    for number, process in enumerate(graph.processes):
        for some in _fewer(process):
            yield replace(graph, processes=(*graph.processes[:number], some, *graph.processes[number + 1 :]))
    if graph.libpython is not None:
        yield replace(graph, libpython=None)
        yield from (replace(graph, libpython=header) for header in _simpler(graph.libpython))
    if graph.library_path:
        yield replace(graph, library_path=False)
    yield from (replace(graph, executable=header) for header in _simpler(graph.executable))
    yield from (replace(graph, libraries=files) for files in _with_simpler(graph.libraries))
    yield from (replace(graph, modules=files) for files in _with_simpler(graph.modules))
    yield from (replace(graph, programs=files) for files in _with_simpler(graph.programs))


def _fewer(items: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    for number in range(len(items)):
        yield items[:number] + items[number + 1 :]


def _with_simpler(files: tuple[File, ...]) -> Iterator[tuple[File, ...]]:
    for number, file in enumerate(files):
        for header in _simpler(file.header):
            yield (*files[:number], File(file.path, header), *files[number + 1 :])


def _simpler(header: Header) -> Iterator[Header]:
    yield from (replace(header, needs=fewer) for fewer in _fewer(header.needs))
    yield from (replace(header, path=fewer) for fewer in _fewer(header.path))
    if not header.path and header.tag is not PathTag.RPATH:
        yield replace(header, tag=PathTag.RPATH)
