"""Servers of Debian that run while a test does: MariaDB and OpenLDAP from unpacked packages, and an installed PostgreSQL.

Each listens on a socket in a folder of its own, knows one user, `clerk` with the password `secret`, and is gone after the block.
"""

from __future__ import annotations

import glob
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.debian import debian_packages
from tests.material.environments import clean, run
from tests.material.programs import need

_PACKAGES = (  # with what they need and a small Debian may lack; what clients are built with
    *("mariadb-server-core", "mariadb-server", "libaio1", "liburing2", "libmariadb-dev", "libmariadb3"),
    *("slapd", "libodbc2", "libltdl7", "libwrap0", "libldap-dev", "libldap-2.5-0", "libsasl2-dev", "libsasl2-2"),
    *("libsasl2-modules", "libsasl2-modules-db"),
)
_KERBEROS = (
    *("krb5-kdc", "krb5-admin-server", "libkadm5srv-mit12", "libkadm5clnt-mit12", "libkdb5-10", "libgssrpc4"),
    *("libverto1", "libverto-libev1", "libev4"),
)
_NOBODY = 65534


def unpacked() -> Path:
    """A folder with the servers, and with the headers and libraries that clients are built with."""
    return _unpacked(_PACKAGES, "servers")


def _unpacked(packages: Sequence[str], label: str) -> Path:
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        pytest.skip("needs a Debian, for servers from its packages")
    return debian_packages(release["VERSION_CODENAME"], packages, label=label)


def to_build_clients(*headers: str) -> dict[str, str]:
    """Variables for compilers: the folders of headers, below the one for all, and of libraries."""
    root = unpacked()
    include = " ".join(f"-I{root}/usr/include/{name}" for name in ("", *headers))
    return {"CFLAGS": include, "LDFLAGS": f"-L{_libraries(root)}"}


def _libraries(root: Path) -> Path:
    (folder,) = root.glob("usr/lib/*-linux-gnu")
    return folder


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with a short name, which every user can reach: a socket's path has room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="server-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def _listening(
    command: Sequence[str | Path], at: Path, variables: dict[str, str], port: int | None = None
) -> Iterator[None]:
    """A server that runs while the block does, which begins when its socket, or its port, answers."""
    log = at.with_name("log")
    with open(log, "wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=clean() | variables)
    try:
        while server.poll() is None and not _answers(at, port):
            time.sleep(0.01)
        assert server.poll() is None, log.read_text(errors="replace")[-3000:]
        yield
    finally:
        server.terminate()
        server.wait()


def _answers(at: Path, port: int | None) -> bool:
    with socket.socket(socket.AF_UNIX if port is None else socket.AF_INET) as client:
        return client.connect_ex(str(at) if port is None else ("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


_MARIADB_START = """\
create database shop;
create user 'clerk'@'localhost' identified via ed25519 using password('secret');
grant all on shop.* to 'clerk'@'localhost';
"""


@contextmanager
def mariadb() -> Iterator[Path]:
    """The socket of a server whose user's account is of the kind `ed25519`, with a database `shop`."""
    root = unpacked()
    share = root / "usr/share/mysql"
    variables = {"LD_LIBRARY_PATH": str(_libraries(root))}
    with _folder() as folder:
        (data := folder / "data").mkdir()
        (start := folder / "start.sql").write_text(_MARIADB_START)
        server: list[str | Path] = [
            *(root / "usr/sbin/mariadbd", "--no-defaults", "--user=root", f"--basedir={root}/usr", f"--datadir={data}"),
            *(f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets", "--skip-networking"),
            *(f"--plugin-dir={root}/usr/lib/mysql/plugin", f"--socket={folder}/socket"),
        ]
        tables = [(share / f"mysql_{name}_tables.sql").read_text() for name in ("system", "performance")]
        words = "create database mysql;\nuse mysql;\n" + "\n".join(tables)
        run([*server, "--bootstrap"], env=clean() | variables, input=words)
        command = [*server, "--plugin-load-add=auth_ed25519", f"--init-file={start}"]
        with _listening(command, folder / "socket", variables):
            yield folder / "socket"


@dataclass(frozen=True)
class Postgresql:
    """A server that runs: the folder of its socket, and its port on `localhost`."""

    folder: Path
    port: int


@contextmanager
def postgresql(realm: Realm | None = None) -> Iterator[Postgresql]:
    """A server that asks its user for the password by SCRAM on its socket, and on `localhost` for a ticket of the realm.

    Skips where none is installed.
    """
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_ctl"))
    if not programs:
        pytest.skip("this machine has no server of PostgreSQL (apt-get install postgresql)")
    program = Path(programs[-1])
    drop: list[str] = []
    if os.geteuid() == 0:  # it does not run as root
        drop = [need("setpriv"), f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    with _folder() as folder:
        (data := folder / "data").mkdir()
        (password := folder / "password").write_text("secret\n")
        if drop:
            os.chown(data, _NOBODY, _NOBODY)
        about = ["-U", "clerk", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync", "--locale=C.UTF-8"]
        run([*drop, program.with_name("initdb"), "-D", data, *about], cwd=folder)
        settings = f"-F -k {data} -h ''"
        variables, port = clean(), _free_port()
        if realm is not None:
            with open(data / "pg_hba.conf") as rules:
                text = rules.read()
            (data / "pg_hba.conf").write_text(f"hostgssenc all all 127.0.0.1/32 gss include_realm=0\n{text}")
            shutil.copy(realm.service_key, data / "key")
            os.chown(data / "key", data.stat().st_uid, -1)
            settings = f"-F -k {data} -h 127.0.0.1 -c krb_server_keyfile={data}/key"
            variables |= realm.variables
        control: list[str | Path] = [*drop, program, "-D", data, "-w"]
        try:
            run([*control, "-l", data / "log", "-o", f"{settings} -p {port}", "start"], cwd=folder, env=variables)
            yield Postgresql(data, port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], cwd=folder, capture_output=True, check=False)


_KRB5 = """\
[libdefaults]
 default_realm = SHOP
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 SHOP = {{
  kdc = 127.0.0.1:{port}
 }}
"""
_KDC = """\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 SHOP = {{
  database_name = {folder}/database
  key_stash_file = {folder}/stash
 }}
[dbmodules]
 db_module_dir = {modules}
"""


@dataclass(frozen=True)
class Realm:
    """A realm of Kerberos, `SHOP`: keys of its user `clerk` and of the service `postgres` on `localhost`."""

    variables: dict[str, str]
    """They lead to its configuration."""
    user_key: Path
    service_key: Path


@contextmanager
def kerberos() -> Iterator[Realm]:
    """A realm whose server runs."""
    root = _unpacked(_KERBEROS, "kerberos")
    libraries, port = _libraries(root), _free_port()
    with _folder() as folder:
        realm = Realm({"KRB5_CONFIG": f"{folder}/krb5.conf"}, folder / "user.key", folder / "service.key")
        (folder / "krb5.conf").write_text(_KRB5.format(port=port))
        modules = libraries / "krb5/plugins/kdb"
        (folder / "kdc.conf").write_text(_KDC.format(port=port, folder=folder, modules=modules))
        variables = {"LD_LIBRARY_PATH": str(libraries), "KRB5_KDC_PROFILE": f"{folder}/kdc.conf", **realm.variables}
        run([root / "usr/sbin/kdb5_util", "create", "-s", "-r", "SHOP", "-P", "secret"], env=clean() | variables)
        for name, key in (("clerk", realm.user_key), ("postgres/localhost", realm.service_key)):
            for words in (f"addprinc -randkey {name}", f"ktadd -k {key} {name}"):
                run([root / "usr/sbin/kadmin.local", "-r", "SHOP", "-q", words], env=clean() | variables)
        with _listening([root / "usr/sbin/krb5kdc", "-n"], folder / "socket", variables, port):
            yield realm


_SLAPD = """\
modulepath {root}/usr/lib/ldap
moduleload back_mdb
include {root}/etc/ldap/schema/core.schema
sasl-secprops none
sasl-realm shop
sasl-host localhost
authz-regexp "uid=([^,]*),cn=.*,cn=auth" "cn=$1,dc=shop"
password-hash {{CLEARTEXT}}
database mdb
suffix dc=shop
directory {folder}/data
"""
_LDAP_START = """\
dn: dc=shop
objectClass: organization
objectClass: dcObject
o: shop
dc: shop

dn: cn=clerk,dc=shop
objectClass: person
cn: clerk
sn: clerk
userPassword: secret
"""


@contextmanager
def openldap() -> Iterator[Path]:
    """The socket of a server that its user logs in to by SASL: SCRAM or DIGEST-MD5. The user is `cn=clerk,dc=shop`."""
    root = unpacked()
    libraries = _libraries(root)
    variables = {"LD_LIBRARY_PATH": str(libraries), "SASL_PATH": str(libraries / "sasl2")}
    with _folder() as folder:
        (folder / "data").mkdir()
        (settings := folder / "slapd.conf").write_text(_SLAPD.format(root=root, folder=folder))
        run([root / "usr/sbin/slapadd", "-f", settings], env=clean() | variables, input=_LDAP_START)
        address = f"ldapi://{str(folder / 'socket').replace('/', '%2F')}"
        command: list[str | Path] = [root / "usr/sbin/slapd", "-f", settings, "-h", address, "-d", "0"]
        with _listening(command, folder / "socket", variables):
            yield folder / "socket"


def need_library(pattern: str, package: str) -> list[str]:
    """The files of a library of this machine, or of a folder that it reads; skips where there are none."""
    found = sorted({os.path.realpath(path) for path in glob.glob(f"/usr/lib/*-linux-gnu/{pattern}")})
    if not found:
        pytest.skip(f"this machine has no {pattern} (apt-get install {package})")
    return found
