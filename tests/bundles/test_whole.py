"""Promise 2: nothing is loaded or imported from outside, but for the libraries that belong to the host."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from bundler.systems.linux.policy import stays_on_host
from tests.bundles.conftest import Sample
from tests.material.environments import run
from tests.material.isolation import ENVIRONMENT, hidden, in_root


def test_every_extension_module_of_the_stdlib_imports_in_a_bare_root(sample: Sample, root: Path) -> None:
    folder = sample.bundle / str(sample.manifest["python"]["stdlib"]) / "lib-dynload"  # type: ignore[index]
    names = sorted(name.split(".")[0] for name in os.listdir(folder))
    assert len(names) > 40
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\nprint(len(sys.modules))"
    done = in_root(root, sample.bundle, ["/opt/app/bin/python", "-c", code])
    assert done.returncode == 0, done.stderr


def test_only_libc_s_family_is_mapped_from_outside(sample: Sample) -> None:
    done = hidden(sample.originals, [sample.bundle / "bin/stockroom", "where"])
    answer = json.loads(done.stdout)
    assert answer["outside"], "libc itself must be there"
    assert [path for path in answer["outside"] if stays_on_host(os.path.basename(path)) is None] == []
    assert [path for path in answer["path"] if path and not path.startswith(str(sample.bundle))] == []


def test_a_wrong_library_on_ld_library_path_changes_nothing(sample: Sample, tmp_path: Path) -> None:
    names = [
        name
        for name in os.listdir(sample.bundle / "lib/bundled")
        if re.match(r"lib(ssl|crypto|ffi|z|sqlite3)\.so", name)
    ]
    assert "libssl.so.3" in names or "libssl.so.1.1" in names
    source = tmp_path / "wrong.c"
    source.write_text("int nothing_of_use;\n")
    for name in names:
        run(["gcc", "-shared", "-o", tmp_path / name, source, f"-Wl,-soname,{name}"])
    code = "import ssl, ctypes, zlib, sqlite3; print(ssl.OPENSSL_VERSION)"
    env = {**ENVIRONMENT, "LD_LIBRARY_PATH": str(tmp_path)}
    done = hidden(sample.originals, [sample.bundle / "bin/python", "-c", code], env=env)
    assert done.stdout.startswith("OpenSSL"), done.stderr


def test_no_path_of_the_source_remains_in_any_text(sample: Sample) -> None:
    leaks = sample.report["old_paths"]
    assert isinstance(leaks, dict)
    assert leaks["texts"] == []


def test_the_floor_names_a_glibc_a_file_and_a_symbol(sample: Sample) -> None:
    floor = sample.report["floor"]
    assert isinstance(floor, dict)
    assert re.fullmatch(r"2\.\d+", floor["glibc"])
    assert (sample.bundle / floor["file"]).exists()
    versions = run(["readelf", "-V", sample.bundle / floor["file"]]).stdout
    assert floor["symbol"] in versions
