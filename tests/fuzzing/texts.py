"""Targets: what environments and installers write as text, parsed, and rewritten so that it holds in a bundle."""

from __future__ import annotations

import io
import json

from bundler.configuration import parse_configuration
from bundler.entries import Digest
from bundler.environment.build_details import read_build_details
from bundler.environment.claims import check_claims, claimed_release, claims_of_config
from bundler.environment.distributions import find_distributions
from bundler.environment.from_files.posix import read_sysconfigdata
from bundler.environment.redirect import follow_file
from bundler.errors import ContradictoryEnvironment, InterpreterFailed, NotAnEnvironment, UnsupportedEditable
from bundler.image_reference import checked_reference, reference_of
from bundler.plan.editables.hooks import read_hook
from bundler.plan.editables.meson import read_install_plan
from bundler.platforms import X86_64
from bundler.rewrite.direct_url import parse_direct_url, rewrite_direct_url
from bundler.rewrite.jupyter import rewrite_kernel
from bundler.rewrite.launchers import read_heads
from bundler.rewrite.launchers.setuptools import read_stand_in
from bundler.rewrite.missing_stdlib import rewrite_missing_stdlib
from bundler.rewrite.pkg_config import rewrite_pkg_config
from bundler.rewrite.pth import has_imports, parse_pth, rewrite_pth, without_lines
from bundler.rewrite.pyvenv_cfg import parse
from bundler.rewrite.record import parse_record, path_of_row, rewrite_record
from bundler.rewrite.scripts import rewrite_script
from bundler.rewrite.shell_scripts import is_shell_script, rewrite_shell_script
from bundler.rewrite.start import parse_start, without_entry_points
from bundler.rewrite.sysconfig import (
    MovedDirectory,
    rewrite_build_details,
    rewrite_makefile,
    rewrite_sh_config,
    rewrite_sysconfig_json,
    rewrite_sysconfigdata,
)
from bundler.signing.envelope import read_envelopes, write_envelope
from bundler.signing.provenance import builder_of
from bundler.signing.statement import read_statement, write_statement
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.glibc_machines import glibc_machine
from bundler.systems.linux.ld_cache import read_cache, read_configured_directories
from bundler.tracing.strace import events_in
from tests.fuzzing.files import folder, placed
from tests.fuzzing.target import Target

_VENV = "/venv"
_SITE = "lib/python3.12/site-packages"
_MOVED = (MovedDirectory(_VENV, ""), MovedDirectory("/usr", "", alone=True))


def record(data: bytes) -> None:
    """Its rows; rewritten, each file that is there has a row, and what is written is read again."""
    read = parse_record(data)
    for row in read.rows:
        path_of_row(row.path, f"{_VENV}/{_SITE}")
    changed = f"{_SITE}/app/__init__.py"
    new = rewrite_record(
        read,
        site_packages=_SITE,
        resolve=lambda row: path_of_row(row, _SITE) if "gone" not in row else None,
        added=[f"{_SITE}/new.py"],
        digests={changed: Digest(bytes(32), 7), f"{_SITE}/new.py": Digest(bytes(32), 3)},
        changed=[changed],
    )
    again = parse_record(new)
    assert read.damage or again.damage or "new.py" in again.paths, "the row that was added is not read again"


def pth(data: bytes) -> None:
    """Its lines; without all of them nothing is left, and what was made relative stays."""
    lines = parse_pth(data)
    has_imports(data)
    new = rewrite_pth(
        data, lambda path: path.removeprefix(_VENV).lstrip("/") or "." if path.startswith(_VENV) else None
    )
    assert new is None or len(parse_pth(new.data)) == len(lines), "a line came or went"
    without_lines(data, [vars_of(line) for line in lines[:1]])


def vars_of(line: object) -> str:
    """The text of a line, whatever its kind."""
    return str(next(getattr(line, name) for name in ("path", "code", "text") if hasattr(line, name)))


def start(data: bytes) -> None:
    """Its entry points; without them none is left."""
    points = parse_start(data)
    assert without_entry_points(data, {point.text for point in points}) is None or not points
    assert all(point.module is not None for point in points)


def pyvenv_cfg(data: bytes) -> None:
    """What it says of its Python."""
    config = parse(data.decode("utf-8", "surrogateescape"))
    claims = list(claims_of_config(_VENV, config))
    check_claims(claims, [])
    claimed_release(claims, [])


def script(data: bytes) -> None:
    """A script of Python's or of a shell: what is made of it finds its Python, and is not changed again."""
    read_heads(data)
    read_stand_in(data)

    def rewritten(text: bytes) -> bytes | None:
        found = rewrite_script(
            text, is_ours=lambda path: path.startswith(_VENV), to_bin=".", side_file="../libexec/x", any_python=True
        )
        return None if found is None else found.data

    new = rewritten(data)
    assert new is None or rewritten(new) is None, "a second time changes it again"
    if is_shell_script(data):
        rewrite_shell_script(data, (_VENV,), "..")


def signature(data: bytes) -> None:
    """Its envelopes, which come back as they are written; and what they say."""
    for envelope in read_envelopes(data):
        assert read_envelopes(write_envelope(envelope)) == (envelope,), "an envelope that is written is another one"
        statement = read_statement(envelope.payload)
        builder_of(statement.predicate)
        assert read_statement(write_statement(statement)) == statement, "a statement that is written is another one"


def ld_so_cache(data: bytes) -> None:
    """For a machine of each byte order."""
    with placed(data) as path:
        for machine in (X86_64,):
            found = read_cache(str(path), glibc_machine(machine))
            assert found is None or all(name is not None for name in found)


def ld_so_conf(data: bytes) -> None:
    """Includes are followed in a root that has this file alone."""
    with placed(data, "ld.so.conf"):
        read_configured_directories("/ld.so.conf", Sysroot(str(folder())))
        read_configured_directories(str(folder() / "ld.so.conf"), Sysroot(str(folder())))


def direct_url(data: bytes) -> None:
    """Where a distribution came from."""
    found = parse_direct_url(data)
    rewrite_direct_url(data)
    assert found.local_path is None or found.is_local


def kernel_json(data: bytes) -> None:
    """A kernel that is rewritten does not name the environment in its words."""
    new = rewrite_kernel(data, lambda path: path.startswith(_VENV), (_VENV,), "../..")
    assert new is None or isinstance(json.loads(new.data), dict)


def build_details(data: bytes) -> None:
    """Read for the facts of an interpreter, and rewritten."""
    with placed(data, "build-details.json"):
        read_build_details(str(folder()), "", HOST)
    new = rewrite_build_details(data, "lib/python3.14", _MOVED)
    assert new is None or isinstance(json.loads(new.data), dict)


def sysconfig(data: bytes) -> None:
    """`_sysconfigdata*.py` and what stands beside it."""
    for rewrite in (rewrite_sysconfig_json, rewrite_makefile, rewrite_sh_config, rewrite_pkg_config):
        rewrite(data, _MOVED)
    rewrite_sysconfigdata(data, _MOVED, 2)
    rewrite_missing_stdlib(data, ["_tkinter"])
    read_sysconfigdata(data, "_sysconfigdata.py")


def metadata(data: bytes) -> None:
    """METADATA, and a `direct_url.json` and RECORD of the same bytes."""
    place = folder() / "site" / "app-1.dist-info"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("METADATA", "direct_url.json", "RECORD"):
        (place / name).write_bytes(data)
    for found in find_distributions([str(place.parent)]):
        assert isinstance(found.name, str) and isinstance(found.version, str)
        json.dumps([found.name, found.version])
        assert found.files is not None


def hook(data: bytes) -> None:
    """An import hook of an editable install, which is read and never run."""
    with placed(data, "__editable___app_finder.py") as path:
        read_hook(str(path), (".so",))


def meson_plan(data: bytes) -> None:
    """What meson-python installs."""
    place = folder() / "build" / "meson-info"
    place.mkdir(parents=True, exist_ok=True)
    (place / "intro-install_plan.json").write_bytes(data)
    read_install_plan("app", str(place.parent))


def redirect(data: bytes) -> None:
    """A `.venv` that is a file."""
    with placed(data, ".venv") as path:
        follow_file(str(path))


def strace(data: bytes) -> None:
    """Lines of strace."""
    for event in events_in(io.StringIO(data.decode("utf-8", "surrogateescape"))):
        assert event.deed is not None


def configuration(data: bytes) -> None:
    """`[tool.bundler]`."""
    parse_configuration(data.decode())


def image_reference(data: bytes) -> None:
    """The nearest one to any name and version is one."""
    name, _, version = data.decode("utf-8", "surrogateescape").partition("\n")
    reference = reference_of(name, version)
    assert checked_reference(reference) == reference


_JSON = (b"[" * 40, b'{"a":' * 20, b"1e999", b"-", b"null", b"true", b'"\\ud800"', b"9" * 80)
_PYTHON = (b"(" * 40, b"[" * 40, b"'''", b"\\N{", b"{'a': 1, **{}}", b"\0", b"-" * 40, b"None", b"1" * 80)
_PATHS = (b"../", b"/", b"//", b"/venv/", b"\\", b"C:\\", b"\0", b"\n", b"\r\n", b'"', b",", b"\xff", b"\xef\xbb\xbf")

TARGETS = (
    Target("record", record, (), (*_PATHS, b"sha256=", b'""')),
    Target("pth", pth, (), (*_PATHS, b"import ", b"import\t", b"#", b"\x0c", b"\x1c")),
    Target("start", start, (), (b"\xef\xbb\xbf", b"#", b":", b"\x0c", b"\r\n", b"a.b:c")),
    Target(
        "pyvenv-cfg",
        pyvenv_cfg,
        (ContradictoryEnvironment,),
        (*_PATHS, b"version = 3.", b"executable = ", b"=", b"9" * 60),
    ),
    Target(
        "script",
        script,
        (),
        (*_PATHS, b"#!", b"'''exec' ", b'"$0" "$@"', b"$(", b"<<EOF\n", b"${", b"coding: latin-1", b"'", b"`"),
    ),
    Target(
        "ld-so-cache", ld_so_cache, (), (b"glibc-ld.so.cache1.1", b"ld.so-1.7.0", b"libc.so.6\0", b"/glibc-hwcaps/")
    ),
    Target(
        "ld-so-conf", ld_so_conf, (), (*_PATHS, b"include ", b"ld.so.conf", b"*.conf", b"[", b"include /ld.so.conf\n")
    ),
    Target("direct-url", direct_url, (), (*_JSON, b"file:", b"file://[", b"%ff", b"dir_info")),
    Target(
        "signature", signature, (ValueError,), (*_JSON, b"payload", b"dsseEnvelope", b"sig", b"eyJ", b"\n{", b"-_==")
    ),
    Target("kernel-json", kernel_json, (), (*_JSON, b"/venv/bin/python", b"argv", b"env", b"${", b"`")),
    Target("build-details", build_details, (), (*_JSON, b"base_prefix", b"/venv", b"libpython", b"c_api")),
    Target("sysconfig", sysconfig, (InterpreterFailed,), (*_PYTHON, b"build_time_vars = ", b"/venv", b"prefix=")),
    Target("metadata", metadata, (), (*_PATHS, b"Name: ", b"Version: ", b"=?utf-8?b?", b": ")),
    Target(
        "hook", hook, (UnsupportedEditable,), (*_PYTHON, b"MAPPING = ", b"NAMESPACES = ", b"install(", b"map_module(")
    ),
    Target(
        "meson-plan", meson_plan, (UnsupportedEditable,), (*_JSON, b"{py_platlib}/", b"destination", b"exclude_dirs")
    ),
    Target("redirect", redirect, (NotAnEnvironment,), _PATHS),
    Target(
        "strace",
        strace,
        (),
        (b"<unfinished ...>", b" resumed>", b"execve(", b"= 3</", b"\\377", b'"', b"clone(", b"= 0"),
    ),
    Target(
        "configuration",
        configuration,
        (ValueError,),
        (b"[tool.bundler]\n", b"[" * 40, b"{" * 40, b"'''", b'"""', b"= "),
    ),
    Target("image-reference", image_reference, (), (b"-", b"_", b"__", b".", b":", b"/", b"\n", b"A", b"[::1]")),
)
