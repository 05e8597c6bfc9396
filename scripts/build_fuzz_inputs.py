"""Make the inputs that fuzzing begins with: `fixtures/fuzz/TARGET/seed-*`, from the fixtures of binaries and from texts below.

What once was a fault, `found-*`, stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bundler.binaries.elf import Edits, ElfClass, plan_patch, read_image
from bundler.binaries.elf.launchers import Word, WordKind, launcher_for
from bundler.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal
from bundler.sinks.archives.frame_index import Frame, FrameIndex, digest_of, pack_index
from tests.binaries.elf.samples import make_sample
from tests.binaries.macho import patching
from tests.binaries.macho.samples import make_fat
from tests.binaries.macho.samples import make_sample as make_macho
from tests.binaries.pe.shapes import signed, with_load_config
from tests.fuzzing.corpus import CORPORA
from tests.material.launchers import distlib_launcher, zipped
from tests.sinks.samples import FORMATS, TIME, write
from tests.systems.linux.packages.test_rpm import TAGS, header
from tests.systems.linux.test_typelib import typelib

_FIXTURES = CORPORA.parent
_SITE = "lib/python3.12/site-packages"


def elf() -> list[bytes]:
    """A library and a program of several machines, one with an entry stub, and small ones of every class and order."""
    names = (
        "x86_64/libwhich.so",
        "x86_64/pie",
        "x86_64/relr",
        "i386/libwhich.so",
        "s390x/libwhich.so",
        "mips/libwhich.so",
    )
    found = [(_FIXTURES / "elf" / name).read_bytes() for name in names]
    program = found[1]
    file = io.BytesIO(program)
    plan = plan_patch(file, read_image(file), Edits(own_loader="../lib/ld.so"))
    assert plan is not None
    return [
        *found,
        plan.patch.apply(program),
        make_sample(ElfClass.ELF32, "big"),
        make_sample(ElfClass.ELF64, "little"),
    ]


def macho() -> list[bytes]:
    from bundler.binaries.macho import Edits as MachOEdits

    thin = [make_macho(64, "little", room=300), make_macho(32, "big")]
    return [patching.patch(thin[0], MachOEdits(add_rpaths=("@loader_path/x",))), *thin, make_fat(thin)]


def pe() -> list[bytes]:
    found = [
        (_FIXTURES / "pe" / name).read_bytes() for name in ("amd64/which.dll", "amd64/program.exe", "x86/program.exe")
    ]
    return [*found, signed(found[1]), with_load_config(found[2])]


def windows_launchers() -> list[bytes]:
    """Of each kind one with a small program in front, which no launcher's reader asks for."""
    program = (_FIXTURES / "pe/amd64/program.exe").read_bytes()
    found = [distlib_launcher(base=program), distlib_launcher("#!/venv/bin/python -I\n", program)]
    path = b"C:\\venv\\Scripts\\python.exe"
    for magic, archive in ((b"UVSC", zipped()), (b"UVPY", b"")):
        found.append(program + archive + path + struct.pack("<I", len(path)) + magic)
    return [*found, signed(found[0])]


def linux_launchers() -> list[bytes]:
    words = (Word(WordKind.PATH, "python3"), Word(WordKind.TEXT, "-E"), Word(WordKind.CALLED))
    found = [launcher_for(machine) for machine in ("x86_64", "aarch64")]
    return [launcher.program(words) for launcher in found if launcher is not None]


def signatures() -> list[bytes]:
    """One envelope, several with what is none between, and one with what cosign writes around it. The signatures are nobody's."""
    subject = [{"name": "bundle.json", "digest": {"sha256": "0" * 64}}]
    predicate = {"runDetails": {"builder": {"id": "pkg:pypi/x", "version": {"relocatable-bundler": "1"}}}}
    kinds = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1"}
    payload = base64.b64encode(json.dumps({**kinds, "subject": subject, "predicate": predicate}).encode()).decode()
    one = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": payload,
        "signatures": [{"keyid": "a", "sig": "AA-_"}, {"sig": ""}],
    }
    around = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": one}
    lines = [json.dumps(one).encode(), b"# none", b"{}", json.dumps(one).encode()]
    return [lines[0] + b"\n", b"\n".join(lines), json.dumps(around, indent=1).encode()]


def manifest(files: Mapping[str, dict[str, object]]) -> bytes:
    """A `bundle.json` with something in every part."""
    value = {
        "schema": 1, "bundler": "0.1.0",
        "python": {
            "version": "3.15.0", "implementation": "cpython", "executable": "bin/python3.12", "stdlib": "lib/python3.12",
            "library": None, "site_packages": [_SITE], "extension_suffixes": [".so"],
            "scheme": {"scripts": "bin", "bundled": "lib/bundled", "dynload": "lib/python3.12/lib-dynload"},
        },
        "platform": {
            "system": "linux", "machine": "x86_64", "libc": "glibc", "floor": "2.17", "floor_file": "bin/c", "floor_symbol": "x",
            "ceiling": {"executable_stacks": ["lib/x.so"], "cpu_level": {"name": "x86-64-v3", "file": "lib/x.so"}},
        },
        "distributions": [{"name": "c", "version": "1"}],
        "files": files,
        "changed": [{"path": "bin/c", "origin": "env:bin/c", "reason": "shebang made relocatable"}],
        "libraries": {
            "bundled": [{"path": "lib/bundled/libz.so.1", "origin": "host:/lib/libz.so.1", "needed_by": ["lib/x.so"]}],
            "host": ["libc.so.6"], "asked_of_target": {"libX11.so.6": ["lib/x.so"]}, "loader": "",
            "missing": [{"path": "lib/x.so", "needed": "libnone.so"}],
            "opened": [{"path": "lib/x.so", "sonames": ["liby.so"], "priority": "required", "feature": "y", "outcome": "missing"}],
        },
        "import_failures": {"broken": "ImportError: no"}, "entry": "c:main", "start_module": "c", "warnings": ["w"],
        "options": {"format": "tar.gz", "add": ["a"], "isolated": True}, "configured_options": ["format"],
    }  # fmt: skip
    return json.dumps(value).encode()


def bundle() -> list[Entry]:
    """A bundle of a few small files, with a manifest that tells of them."""
    texts = {
        "bin/c": b"#!/bin/sh\n", "pyvenv.cfg": b"include-system-site-packages = false\n", f"{_SITE}/c.py": b"",
        f"{_SITE}/c-1.dist-info/RECORD": b"c.py,,\n", f"{_SITE}/a.pth": b"sub\n", f"{_SITE}/\udcff.txt": b"x",
    }  # fmt: skip
    program = (_FIXTURES / "elf/x86_64/libwhich.so").read_bytes()
    texts["bin/python3.12"] = program

    def entry(path: str, content: Literal | Link | Directory | Deferred, mode: int) -> Entry:
        return Entry(path, content, mode, TIME * 10**9, Layer.APPLICATION, f"env:{path}")

    def described(digests: Digests) -> bytes:
        found: dict[str, dict[str, object]] = {
            path: {"sha256": digest.sha256.hex(), "size": digest.size, "mode": "755", "origin": f"env:{path}"}
            for path, digest in digests.items()
        }
        return manifest({**found, "bin/d": {"link": "c", "origin": "env:bin/d"}})

    files = [entry(path, Literal(text), 0o755) for path, text in texts.items()]
    return [
        entry("lib/bundled", Directory(), 0o755),
        *sorted(files, key=lambda each: each.path),
        entry("bin/d", Link("c"), 0o777),
        entry("bundle.json", Deferred(described), 0o644),
    ]


def archives(folder: Path) -> dict[str, bytes]:
    """The bundle in every format that can be written here."""
    found = {}
    for name in FORMATS:
        entries = [each for each in bundle() if name not in ("zip", "squashfs") or each.path.isascii()]
        found[name] = write(name, folder / f"a.{name}", entries).read_bytes()
    return found


def tar_of_others() -> bytes:
    """What other programs put into tars: long names, pax headers, a hard link, a folder around all."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("top/" + "n" * 120, "top/é", "top/bundle.json"):
            info = tarfile.TarInfo(name)
            info.size = 2
            archive.addfile(info, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("top/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "top/bundle.json"
        archive.addfile(link)
    return file.getvalue()


def ld_cache() -> bytes:
    """A cache with two entries, as ldconfig lays it out."""
    names = (b"libc.so.6", b"/lib/libc.so.6", b"libz.so.1", b"/usr/lib/libz.so.1")
    start = 48 + 2 * 24
    places, strings = [], b""
    for name in names:
        places.append(start + len(strings))
        strings += name + b"\0"
    rows = [struct.pack("<iIIIQ", 0x0303, places[at], places[at + 1], 0, 0) for at in (0, 2)]
    return struct.pack("<20sII20x", b"glibc-ld.so.cache1.1", 2, len(strings)) + b"".join(rows) + strings


def index() -> bytes:
    """An index of frames without its seal, which the target puts behind it."""
    frames = [Frame(digest_of(b"%d" % number), digest_of(b"d"), 100, 300, 7) for number in range(3)]
    return pack_index(FrameIndex("bundler 0.1.0, zlib 1.3", frames))[: -hashlib.sha256().digest_size]


HOOKS = (
    b"MAPPING: dict[str, str] = {'app': '/src/app'}\nNAMESPACES: dict[str, list[str]] = {'ns': ['/src/ns']}\n",
    b"install({'app.x': '/src/x.py'}, {'app.y': 'app/y.so'}, {'app': ['/src']}, None, False)\n",
    b"install_inplace(['app'], ['/src'])\n",
    b"install('app', {'app'}, '/tmp/fuzz-no-such-build', ['ninja'], False)\n",
    b"F.map_module('app', '/src/app/__init__.py')\n",
)
SCRIPTS = (
    b"#!/venv/bin/python3\n# -*- coding: utf-8 -*-\nimport sys\nsys.exit(main())\n",
    b"#!/venv/bin/python3 -I\n'''a docstring'''\n",
    b"#!/bin/sh\n'''exec' \"/venv/a b/bin/python\" -E \"$0\" \"$@\"\n' '''\nimport x\n",
    b"#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python3' \"$0\" \"$@\"\n' '''\n",
    b"#!/usr/bin/env python\n# coding: latin-1\nprint('\xe9')\n",
    b"#!/bin/bash\nVIRTUAL_ENV='/venv'\necho \"/venv/bin $(ls /venv)\" <<EOF\n/venv/x\nEOF\n# /venv\n",
    b"#!/venv/bin/python\n# EASY-INSTALL-DEV-SCRIPT: 'app==1','x'\n__requires__ = 'app==1'\n__file__ = '/src/x'\n",
)
TEXTS: dict[str, Iterable[bytes]] = {
    "record": (
        f"app/__init__.py,sha256={'A' * 43},12\napp-1.dist-info/RECORD,,\n../../../bin/app,sha256={'B' * 43},200\n".encode(),
        b'"a,b.py","sha256=x",3\r\n"new\nline.py",,\r\n/venv/share/x,,\r\ngone.py,,\r\n',
        b"../../../../../../etc/passwd,sha256=,1\nx\xff.py,,\n\n./a/./b.py,,\n",
    ),
    "pth": (
        b"/venv/src\nimport app; app.run()\n# a comment\n./sub\n",
        b"\xef\xbb\xbf../outside\r\nimport\tx\n\n",
        b"x\xff\n\x0c\n/venv\n",
    ),
    "start": (b"app:run\n# a comment\n  b.c : d\n", b"\xef\xbb\xbfapp:run\r\n", b"\xff\n"),
    "pyvenv-cfg": (
        b"home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.12.1\nexecutable = /usr/bin/python3.12\n",
        b"implementation = CPython\nversion_info = 3.13.0.final.0\nbase-executable = /opt/bin/python3.13t\nprompt='x'\n",
    ),
    "script": SCRIPTS,
    "ld-so-cache": (ld_cache(), b"ld.so-1.7.0\0\1\0\0\0" + bytes(12) + ld_cache()),
    "ld-so-conf": (b"/usr/local/lib # a comment\ninclude *.conf\n/opt/lib/\n", b"hwcap 0 nosegneg\ninclude /ld.so.conf\n"),
    "direct-url": (
        b'{"url": "file:///src/app", "dir_info": {"editable": true}}',
        b'{"url": "file:///C:/src/%C3%A9", "dir_info": {}}',
        b'{"url": "https://host/app.whl", "archive_info": {"hash": "sha256=00"}}',
    ),
    "kernel-json": (
        b'{"argv": ["/venv/bin/python3", "-m", "ipykernel", "-f", "{connection_file}"], "display_name": "Python 3"}',
        b'{"argv": ["python", "/venv/x"], "env": {"PATH": "/venv/bin:${PATH}", "X": "$HOME/`y`"}}',
    ),
    "build-details": (
        b'{"schema_version": "1.0", "base_prefix": "/venv", "libpython": {"dynamic": "/venv/lib/libpython3.14.so"},'
        b' "c_api": {"headers": "/venv/include/python3.14"}, "suffixes": {"extensions": [".so"]}, "abi": {"flags": ["t"]},'
        b' "implementation": {"version": {"major": 3, "minor": 14, "micro": 0, "releaselevel": "final", "serial": 0}}}',
    ),
    "sysconfig": (
        b"build_time_vars = {'prefix': '/venv', 'CC': 'gcc', 'LIBDIR': '/venv/lib', 'Py_GIL_DISABLED': 0,\n 'X': -1}\n",
        b"prefix=/venv\nexec_prefix=${prefix}\nlibdir=/venv/lib\n",
        b"#!/bin/sh\nprefix_real=$(installed_prefix \"$0\")\necho /venv/include\n",
    ),
    "metadata": (b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n\nText\n", b"Name: =?utf-8?q?=E9?=\nVersion: \xff\n", b""),
    "hook": HOOKS,
    "meson-plan": (
        b'{"targets": {"/tmp/fuzz-no-such-build/x.so": {"destination": "{bindir}/x.so", "tag": "runtime"}}}',
        b'{"python": {"/dev/null": {"destination": "{py_platlib}/app/y.py", "exclude_files": ["a"], "exclude_dirs": []}}}',
    ),
    "redirect": (b"/\n", b"../\r\n", b"/no/such/place"),
    "strace": (
        b'101 execve("/bin/true", ["true"], 0x7ffe /* 3 vars */) = 0\n',
        b'101 openat(AT_FDCWD, "/etc/x\\377", O_RDONLY|O_CLOEXEC) = 3</etc/x\\377>\n',
        b"7 clone(child_stack=NULL <unfinished ...>\n8 execve(\"/bin/sh\", [], []) = -1 ENOENT\n7 <... clone resumed>) = 8\n",
    ),
    "signature": signatures(),
    "configuration": (b"[tool.bundler]\nout = 'dist'\nadd = ['a', 'b']\n", b"[project]\nname = 'x'\n"),
    "image-reference": (b"App_Name\n1.0+local", b"", b"\xff--x..y\n-"),
    "typelib": (typelib("Gtk", "3.0", "Gdk-3.0|xlib-2.0", "libgtk-3.so.0"), typelib("xlib", "2.0", order=">")),
    "launcher-linux": linux_launchers(),
    "package-database": (
        b"Package: libz1\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.2)\nVersion: 1:1.2.13\n\n"
        b"/usr/lib/libz.so.1\n",
        b"C:Q1\nP:libssl3\nV:3.3-r0\nA:x86_64\nL:Apache-2.0\no:openssl\nF:usr/lib/x86_64-linux-gnu\nR:libssl.so.3\n\n",
        b"ID=debian\nVERSION_ID=\"12\"\n/usr/lib/libz.so.1\n/usr/lib/libz.so.1.old\nlibold\n",
        b"d41d8cd98f00b204e9800998ecf8427e  usr/lib/x86_64-linux-gnu/libssl.so.3\nPackage: libssl3\nVersion: 3\n",
    ),
    "rpm-header": (header(TAGS), header({1000: "x", 1037: [1, 2], 1117: ["a", "b"]})),
    "copyright-file": (
        b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: A\n B\n"
        b"License: GPL-2+ or Artistic, and Expat\n .\n text\n\nFiles: libz/* debian/*\nLicense: Zlib\n",
        b"It is under the GNU General Public License, version 3 or any later version: /usr/share/common-licenses/GPL-3.\n",
        b"GPL-2.0-or-later AND (MIT OR BSD-3-Clause) WITH exceptions",
    ),
    "embedded-sbom": (
        b'{"bomFormat": "CycloneDX", "components": [{"name": "z", "version": "1", "purl": "pkg:rpm/x/z@1", "licenses":'
        b' [{"license": {"id": "Zlib"}}, {"expression": "MIT"}], "components": [{"type": "file", "name": "f"}]}]}',
        b'{"spdxVersion": "SPDX-2.3", "documentDescribes": ["a"], "packages": [{"SPDXID": "a", "name": "a"}, {"name": "z",'
        b' "versionInfo": "1", "licenseDeclared": "Zlib", "externalRefs":'
        b' [{"referenceType": "purl", "referenceLocator": "pkg:x"}]}]}',
    ),
    "wheel-metadata": (
        b"Metadata-Version: 2.4\nName: app\nVersion: 1\nLicense-Expression: MIT OR Apache-2.0\nLicense-File: LICENSE\n"
        b"Requires-Dist: x[y]>=1; python_version >= '3.8'\n\nText\n",
        b"Name: app\nLicense: BSD\n  three clauses\nClassifier: License :: OSI Approved :: MIT License\n",
        b'{"url": "https://host/app.whl", "archive_info": {"hashes": {"sha256": "' + b"0" * 64 + b'"}}}',
        b'{"url": "https://host/app.git", "vcs_info": {"vcs": "git", "commit_id": "1234"}}',
    ),
}  # fmt: skip


def inputs(folder: Path) -> dict[str, Iterable[bytes]]:
    """All inputs, by target."""
    made, described = (
        archives(folder),
        manifest({"bin/c": {"sha256": "0" * 64, "size": 3, "mode": "755", "origin": "env:bin/c"}}),
    )
    found: dict[str, Iterable[bytes]] = {**TEXTS, "frame-index": [index()]}
    found |= {"elf": elf(), "macho": macho(), "pe": pe(), "launcher-windows": windows_launchers()}
    for name, data in made.items():
        found[f"read-{name.replace('.', '-')}"] = [data, *([tar_of_others()] if name == "tar" else [])]
    found["manifest"] = [described, b'{"schema": 1, "bundler": "0.1.0"}']
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for target, files in inputs(Path(folder)).items():
            place = CORPORA / target
            place.mkdir(parents=True, exist_ok=True)
            for old in place.glob("seed-*"):
                old.unlink()
            for number, data in enumerate(files):
                (place / f"seed-{number}").write_bytes(data)
    size = sum(path.stat().st_size for path in CORPORA.rglob("*") if path.is_file())
    print(f"{size} bytes in {CORPORA}", file=sys.stderr)


if __name__ == "__main__":
    main()
