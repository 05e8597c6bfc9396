"""A bundle's `ssl` finds the certificates of systems that keep them elsewhere than the one it was built on."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.rewrite.certificates import PLACES, rewrite_ssl

SOURCE = Path(ssl.__file__).read_bytes()
CODE = """
import _ssl, os
_ssl.get_default_verify_paths = lambda: ("SSL_CERT_FILE", {file!r}, "SSL_CERT_DIR", {folder!r})
import ssl
class Context(ssl.SSLContext):
    def load_verify_locations(self, *arguments):
        print(*arguments)
context = Context(ssl.PROTOCOL_TLS_CLIENT)
context.load_default_certs()
"""


def loaded(
    folder: Path, file: str = "/nowhere/file", directory: str = "/nowhere/folder", **variables: str
) -> list[str]:
    """What a context loads whose OpenSSL looks at `file` and `directory`, on a system that has the second place only."""
    new = rewrite_ssl(SOURCE)
    assert new is not None
    places = (str(folder / "first"), str(folder / "second"), str(folder / "third"))
    for place in places[1:]:
        Path(place).write_text("")
    (folder / "ssl.py").write_bytes(new.data.replace(repr(PLACES).encode(), repr(places).encode()))
    code = CODE.format(file=file, folder=directory)
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(folder), **variables}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_first_place_that_is_there_is_loaded_where_openssl_has_none(tmp_path: Path) -> None:
    assert loaded(tmp_path) == [str(tmp_path / "second")]


def test_what_openssl_finds_is_enough(tmp_path: Path) -> None:
    assert loaded(tmp_path, file=__file__) == []
    assert loaded(tmp_path, directory=str(tmp_path)) == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_what_the_user_sets_is_enough(tmp_path: Path, variable: str) -> None:
    assert loaded(tmp_path, **{variable: "/nowhere/else"}) == []


def test_the_addition_is_made_once_and_only_where_it_fits() -> None:
    new = rewrite_ssl(SOURCE)
    assert new is not None
    assert new.data.startswith(SOURCE)
    assert rewrite_ssl(new.data) is None
    assert rewrite_ssl(b"import _ssl\n") is None
