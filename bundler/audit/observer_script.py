"""Run by a Python under audit (CPython 3.8 or later): import modules, and tell what the process has afterwards.

Reads one JSON object from standard input:
  modules   names to import, in order
  missing   names of modules that shall not be found
  compiled  folder for what has to be compiled, which several processes share
  observer  source text that defines `mapped_libraries()`
  metadata  whether to list distributions and entry points
Writes one JSON list a line: `["start", name]`, then `["ok", name]` or `["fail", name, error]`, `["opened", name]` for each library
that ctypes was asked for, `["missed", name]` for what shall not be found, `["program", path]` for each program of the machine that
is started, `["spawned", event]` where another process is begun of which that does not tell all; at the end `["saw", object]` and
`["end", ""]`.
Imports may print, and may end the process: the reader goes on behind the module that was started last.
"""

import contextlib
import importlib
import json
import os
import sys
from importlib import _bootstrap_external

_LARGEST = 1000  # values of one container that are looked through
_DEEPEST = 4
_SPAWNING = ("os.exec", "os.fork", "os.forkpty", "os.spawn", "os.system", "pty.spawn")
_STARTING = ("os.posix_spawn", "subprocess.Popen")
_SHELLS = ("sh", "bash", "dash", "busybox", "env")  # who knows what they start
_NO_WINDOWS = 0x8003  # SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX
_LISTING = ("os.listdir", "os.scandir")
_LISTED_BY_IMPORTS = ("importlib._bootstrap_external", "zipimport")
_LISTED_BY_METADATA = ("importlib.metadata", "importlib_metadata")


class Asking:
    """A finder that finds nothing, and knows what the others were asked for."""

    def __init__(self):
        self.names = set()  # type: set[str]

    def find_spec(self, name, path=None, target=None):
        """Note a module outside of packages."""
        if path is None:
            self.names.add(name)


def modules():
    """The file of each module that has one, absolute; a module made by hand may say anything (torch's `_ops.py` is no file)."""
    main_module = sys.modules["__main__"]  # this script; `multiprocessing` lists it once more, as `__mp_main__`
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if module is not main_module and isinstance(file, str) and os.path.isabs(file):
            found[name] = os.path.normpath(file)
    return found


def finders():
    """What finds modules beside Python's own: the type of each finder or hook, and the absolute paths that it holds."""
    own = ("BuiltinImporter", "FrozenImporter", "PathFinder", "zipimporter", "path_hook_for_FileFinder")
    found = []
    for finder in [*sys.meta_path, *sys.path_hooks]:
        if isinstance(finder, Asking):
            continue
        name = getattr(finder, "__qualname__", None) or type(finder).__qualname__
        if name.rpartition(".")[2] in own:
            continue
        kind = finder if isinstance(finder, type) else type(finder)
        module = sys.modules.get(getattr(finder, "__module__", None) or kind.__module__)
        held = [vars(finder) if hasattr(finder, "__dict__") else {}, dict(vars(kind))]
        if module is not None:
            held.append(
                {key: value for key, value in vars(module).items() if isinstance(value, (str, dict, list, tuple))}
            )
        paths = set()  # type: set[str]
        for values in held:
            gather(values, paths, 0)
        paths.discard(getattr(module, "__file__", None))
        paths.discard(getattr(module, "__cached__", None))
        found.append([kind.__module__ + "." + name, sorted(paths)])
    return found


def gather(value, paths, depth):
    """Put the absolute paths in a value among `paths`."""
    if isinstance(value, str):
        if os.path.isabs(value) and len(value) > 1 and "\n" not in value:
            paths.add(value)
    elif depth < _DEEPEST and isinstance(value, (dict, list, tuple, set, frozenset)) and len(value) <= _LARGEST:
        for item in list(value):
            gather(item, paths, depth + 1)
            if isinstance(value, dict):
                gather(value[item], paths, depth + 1)


def metadata():
    """Name and version of each distribution, and the entry points, as `importlib.metadata` sees them."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # 3.8 has no such module without a package of the same purpose
        return [], []
    known = []  # type: list[list[str]]
    points = []  # type: list[list[str]]
    for distribution in distributions():
        name = distribution.metadata["Name"] or ""
        known.append([name, distribution.version or ""])
        for point in distribution.entry_points:
            points.append([point.group, point.name, point.value])
    return sorted(known), sorted(points)


class Watch:
    """What Python's audit events tell of a process beside its imports (docs.python.org, "Audit events table")."""

    def __init__(self, tell):
        self.tell = tell
        self.told = set()  # type: set[tuple[str, str]]
        self.metadata = set()  # type: set[str]
        self.listed = set()  # type: set[str]
        self.read = set()  # type: set[str]
        self.over = False  # what is done now is not the modules' doing

    def __call__(self, event, arguments):
        """Hear one event."""
        if self.over:
            return
        if event == "open":
            self.hear_open(arguments[0], sys._getframe(1).f_globals.get("__name__") or "")
        elif event in _LISTING:
            caller = sys._getframe(1).f_globals.get("__name__") or ""
            path = absolute(arguments[0])
            if path is not None and not caller.startswith(_LISTED_BY_IMPORTS):
                told = self.metadata if caller.startswith(_LISTED_BY_METADATA) else self.listed
                told.add(path)
        elif event == "ctypes.dlopen" and isinstance(arguments[0], str):
            self.tell("opened", arguments[0])
        elif event in _SPAWNING:
            self.tell_once("spawned", event)
        elif event in _STARTING:
            command = arguments[1] if isinstance(arguments[1], (list, tuple)) else [arguments[1]]
            paths = programs(arguments[0] or next(iter(command), None))
            if paths is None or any(map(tells_nothing, command)):
                self.tell_once("spawned", event)
            for path in paths or ():
                self.tell_once("program", path)

    def hear_open(self, path, caller):
        """Hear of a file that is opened, or is not there."""
        path = absolute(path)
        if path is None or caller.startswith(_LISTED_BY_IMPORTS):
            return
        (self.metadata if "dist-info" in path or "egg-info" in path else self.read).add(path)

    def start(self):
        """Make up for what was done before this began: by what Python runs at its start (`.pth` files, `sitecustomize`)."""
        if any(name in sys.modules for name in _LISTED_BY_METADATA):
            for folder in filter(os.path.isdir, sys.path):
                self.metadata.add(os.path.abspath(folder))
                for name in os.listdir(folder):
                    if name.endswith((".dist-info", ".egg-info")):
                        told = [
                            os.path.join(folder, name, file) for file in ("METADATA", "PKG-INFO", "entry_points.txt")
                        ]
                        self.metadata.update(map(os.path.abspath, told))

    def end(self):
        """Tell of processes that no event tells of: those of `multiprocessing`, and of code in C."""
        if not self.told and had_children():
            self.tell_once("spawned", "fork")

    def tell_once(self, kind, value):
        """Tell what was not told before."""
        if (kind, value) not in self.told:
            self.told.add((kind, value))
            self.tell(kind, value)


def absolute(path):
    """A path of an audit event, absolute; None for what is none. Nothing is raised: that would stop what the event tells of."""
    try:
        return os.path.abspath(os.fsdecode(path))
    except (TypeError, ValueError, OSError):  # a descriptor; a working directory that is gone
        return None


def programs(name):
    """The path of the program that another process is to run, behind those of the places where it was looked for in vain.

    None for what tells nothing of what will run.
    """
    try:
        path = os.fsdecode(name)
    except TypeError:
        return None
    paths = [path]
    if "/" not in path:
        paths = [os.path.join(folder, path) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
        there = [number for number, place in enumerate(paths) if os.access(place, os.X_OK)]
        paths = paths[: there[0] + 1] if there else paths
    return None if tells_nothing(paths[-1]) else paths


def tells_nothing(word):
    """Whether a word of a command names what tells nothing of what will run: a shell, or this Python."""
    try:
        real = os.path.realpath(os.fsdecode(word))
    except (TypeError, ValueError):
        return True
    if os.path.basename(os.fsdecode(word)) in _SHELLS:
        return True
    own = [os.path.realpath(prefix) + "/" for prefix in (sys.prefix, sys.base_prefix) if prefix != "/usr"]
    return real.startswith(tuple(own)) or os.path.basename(real).startswith("python")


def had_children():
    """Whether this process ever had others below it."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # or they were waited for
        try:
            import resource
        except ImportError:
            return False
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0
    except (AttributeError, OSError):
        return False
    return True


def asked_at_start():
    """Names that modules of packages which Python imports at its start may have looked for, in vain perhaps."""
    own = os.path.dirname(os.__file__)
    names = set()  # type: set[str]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or own
        if name != "__main__" and (os.path.dirname(file) != own and "-packages" in file):
            try:
                codes = [module.__dict__["__loader__"].get_code(name)]
            except Exception:
                continue
            for code in codes:
                names.update(word.partition(".")[0] for word in code.co_names)
                codes.extend(constant for constant in code.co_consts if hasattr(constant, "co_names"))
    return names


def share_compiled(folder):
    """Let modules without a pyc be compiled once for all processes that share `folder`; none is compiled to any other place."""
    usual = _bootstrap_external.cache_from_source
    loader = _bootstrap_external.SourceFileLoader
    write = loader._cache_bytecode  # type: ignore[attr-defined]

    def cache_from_source(path, *arguments, **options):  # up to 3.14 with a second argument
        place = usual(path, *arguments, **options)
        if os.path.exists(place):
            return place
        drive, below = os.path.splitdrive(os.path.abspath(place))  # see `bundler.machine.rootless`
        return os.path.join(folder, drive.rstrip(":").strip("/\\"), below.lstrip("/\\"))

    def cache_bytecode(self, source_path, bytecode_path, data):
        if bytecode_path.startswith(folder):
            write(self, source_path, bytecode_path, data)

    _bootstrap_external.cache_from_source = cache_from_source
    loader._cache_bytecode = cache_bytecode  # type: ignore[attr-defined]
    sys.dont_write_bytecode = False


def keep_projects():
    """Editables of meson-python and scikit-build-core may build their project, in its folder, when imported: not for us.

    They are imported as they were built last. The former asks its build command whether there is work; the latter has a flag.
    """
    for finder in sys.meta_path:
        state = getattr(finder, "__dict__", {})
        if "_build_cmd" in state and "_build_path" in state:
            state["_build_cmd"] = [sys.executable, "-I", "-S", "-c", "print('ninja: no work to do.')"]
            state["_verbose"] = True  # else it opens a log in the build folder
        if "rebuild_flag" in state:
            state["rebuild_flag"] = False


def hide(missing, tell):
    """Let no finder find modules of these names, as if their files were not there."""

    def without(find):
        def find_spec(name, path=None, target=None):
            if name in missing:
                tell("missed", name)
                return None
            return find(name, path, target)

        return find_spec

    for finder in sys.meta_path:
        if hasattr(finder, "find_spec"):
            find_spec = without(finder.find_spec)
            with contextlib.suppress(AttributeError):  # it has slots: what it finds stays there
                finder.find_spec = staticmethod(find_spec) if isinstance(finder, type) else find_spec  # type: ignore[method-assign]


def main():
    """Import what standard input names."""
    order = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    if os.name == "nt":  # no window waits for somebody to read of a crash, or of a DLL that is not there
        import msvcrt

        msvcrt.SetErrorMode(_NO_WINDOWS)  # type: ignore[attr-defined, unused-ignore]
    results = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    observer = {"mapped_libraries": lambda: None}
    exec(compile(order["observer"], "<observer>", "exec"), observer)

    def tell(*fields):
        results.write(json.dumps(fields) + "\n")
        results.flush()

    watch = Watch(tell)
    watch.start()
    if order["missing"]:
        hide(frozenset(order["missing"]), watch.tell_once)
    asking = Asking()
    asking.names.update(asked_at_start())
    sys.meta_path.insert(0, asking)
    sys.addaudithook(watch)
    if hasattr(sys, "set_lazy_imports_filter"):  # 3.15: an import that waits proves nothing
        sys.set_lazy_imports_filter(lambda *names: False)
    keep_projects()
    share_compiled(order["compiled"])
    for name in order["modules"]:
        tell("start", name)
        try:
            importlib.import_module(name)
        except BaseException as error:
            tell("fail", name, f"{type(error).__name__}: {error}"[:500])
        else:
            tell("ok", name)
    metadata_read, listed, read = map(
        sorted, (watch.metadata, watch.listed, watch.read)
    )  # before we read some ourselves
    watch.over = True
    libraries = observer["mapped_libraries"]()
    known, points = metadata() if order["metadata"] else ([], [])
    saw = {
        "path": [os.path.abspath(path) for path in sys.path if isinstance(path, str) and path],
        "modules": modules(),
        "libraries": None if libraries is None else sorted(libraries),
        "finders": finders(),
        "distributions": known,
        "entry_points": points,
        "asked": sorted(asking.names),
        "metadata": metadata_read,
        "listed": listed,
        "read": read,
    }
    watch.end()
    tell("saw", saw)
    tell("end", "")
    os._exit(0)


if __name__ == "__main__":
    main()
