"""Clients of servers, built here, log in from a moved bundle by what their libraries open late. The host's is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.material.environments import SLIM, clean, empty_environment, pack, run, tool
from tests.material.interpreters import main_python
from tests.material.isolation import ENVIRONMENT, hidden
from tests.material.servers import kerberos, mariadb, need_library, openldap, postgresql, to_build_clients

LOADED = """
print(*sorted({{line.split()[-1] for line in open("/proc/self/maps") if "{}" in line}}), sep="\\n")
"""
MYSQLCLIENT = """
import sys, MySQLdb
connection = MySQLdb.connect(unix_socket=sys.argv[1], user="clerk", passwd="secret", db="shop")
cursor = connection.cursor()
cursor.execute("select 6 * 7, current_user()")
print(*cursor.fetchone())
"""
PSYCOPG = """
import sys, {} as client
login = dict(zip(("host", "port", "password"), sys.argv[1:]))
connection = client.connect(user="clerk", dbname="postgres", **login)
cursor = connection.cursor()
cursor.execute("select 6 * 7, current_user")
print(*cursor.fetchone())
"""
PYTHON_LDAP = """
import sys, ldap, ldap.sasl
for mechanism in ("SCRAM-SHA-256", "DIGEST-MD5"):
    client = ldap.initialize("ldapi://" + sys.argv[1].replace("/", "%2F"))
    login = {ldap.sasl.CB_AUTHNAME: "clerk", ldap.sasl.CB_PASS: "secret"}
    client.sasl_interactive_bind_s("", ldap.sasl.sasl(login, mechanism))
    print(client.whoami_s())
"""


def moved_bundle(folder: Path, package: str, variables: dict[str, str]) -> tuple[Path, list[str]]:
    """A moved bundle of an environment with a package that was built here, and the places of the originals."""
    environment = empty_environment(folder / "env")
    install: list[str | Path] = [
        tool("uv"),
        "-q",
        "pip",
        "install",
        "--no-binary",
        package,
        "--python",
        environment,
        package,
    ]
    run(install, env=clean() | variables)
    pack(environment, folder / "packed", *SLIM)
    return (folder / "packed").rename(folder / "moved"), [str(environment), *main_python().places]


@pytest.mark.everything
def test_mysqlclient_logs_in_to_an_account_whose_kind_is_a_plugin(tmp_path: Path) -> None:
    own = need_library("libmariadb.so.3", "libmariadb3")
    own += need_library("libmariadb3/plugin", "libmariadb3")
    with mariadb() as server:
        compiler = to_build_clients("mariadb")
        variables = {
            "MYSQLCLIENT_CFLAGS": compiler["CFLAGS"],
            "MYSQLCLIENT_LDFLAGS": f"{compiler['LDFLAGS']} -lmariadb",
        }
        bundle, originals = moved_bundle(tmp_path, "mysqlclient", variables)
        code = MYSQLCLIENT + LOADED.format("maria")
        done = hidden([*originals, *own], [bundle / "bin/python", "-c", code, server])
    libraries = f"{bundle}/lib/bundled/libmariadb"
    opened = [f"{libraries}.so.3", f"{libraries}3/plugin/client_ed25519.so"]
    assert done.stdout.splitlines() == ["42 clerk@localhost", *opened], done.stderr


@pytest.mark.everything
@pytest.mark.parametrize("package", ["psycopg2", "psycopg"], ids=["linked", "opened by ctypes"])
def test_psycopg_logs_in_by_scram(tmp_path: Path, package: str) -> None:
    own = need_library("libpq.so.5", "libpq-dev")
    with postgresql() as server:
        bundle, originals = moved_bundle(tmp_path, package, {})
        code = PSYCOPG.format(package) + LOADED.format("libpq")
        login = [str(server.folder), str(server.port), "secret"]
        done = hidden([*originals, *own], [bundle / "bin/python", "-c", code, *login])
    assert done.stdout.splitlines() == ["42 clerk", f"{bundle}/lib/bundled/libpq.so.5"], done.stderr


@pytest.mark.everything
def test_psycopg_logs_in_by_a_ticket_of_kerberos_and_speaks_encrypted(tmp_path: Path) -> None:
    own = [*need_library("libpq.so.5", "libpq-dev"), *need_library("libgssapi_krb5.so.2", "libgssapi-krb5-2")]
    own += [*need_library("libkrb5.so.3", "libkrb5-3"), *need_library("libk5crypto.so.3", "libk5crypto3")]
    code = PSYCOPG.format("psycopg2") + (
        'cursor.execute("select principal, encrypted from pg_stat_gssapi where pid = pg_backend_pid()")\n'
        "print(*cursor.fetchone())\n"
    )
    with kerberos() as realm, postgresql(realm) as server:
        bundle, originals = moved_bundle(tmp_path, "psycopg2", {})
        client = {"KRB5_CLIENT_KTNAME": str(realm.user_key), "KRB5CCNAME": f"FILE:{tmp_path}/tickets"}
        env = {**ENVIRONMENT, **realm.variables, **client}
        done = hidden([*originals, *own], [bundle / "bin/python", "-c", code, "localhost", str(server.port)], env=env)
    assert done.stdout.splitlines() == ["42 clerk", "clerk@SHOP True"], done.stderr


@pytest.mark.everything
def test_python_ldap_logs_in_by_mechanisms_of_sasl(tmp_path: Path) -> None:
    need_library("sasl2/libscram.so", "libsasl2-modules")
    own = [*need_library("libsasl2.so.2", "libsasl2-2"), *need_library("sasl2", "libsasl2-modules")]
    with openldap() as server:
        bundle, originals = moved_bundle(tmp_path, "python-ldap", to_build_clients("sasl"))
        code = PYTHON_LDAP + LOADED.format("libscram")
        done = hidden([*originals, *own], [bundle / "bin/python", "-c", code, server])
    who = "dn:cn=clerk,dc=shop"
    assert done.stdout.splitlines() == [who, who, f"{bundle}/lib/bundled/sasl2/libscram.so"], done.stderr
