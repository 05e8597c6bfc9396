"""Files that hold credentials by their purpose: those in which a person's tools keep them, and an application's own.

What stands in them has no form by which it could be found elsewhere: here the names tell.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from bundler.leaks.examples import entropy, is_default, is_placeholder

LARGEST = 1 << 20
"""Bytes of a file that is looked through by these rules."""

_SECRET_NAME = (
    rb"[\w.:/@-]*(?:(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)[\w.-]*"
    rb"|(?<![a-z])auth)"
)
_ASSIGNMENT = re.compile(
    rb"^[ \t]*(?:export[ \t]+|set[ \t]+)?[\"']?(?P<name>[\w.:/@-]+)[\"']?[ \t]*[=:][ \t]*(?P<quote>[\"']?)(?P<value>[^\r\n]*)",
    re.MULTILINE,
)
_COMMENT = re.compile(rb"\s#.*")
_IS_SECRET = re.compile(_SECRET_NAME, re.IGNORECASE)
_JSON_MEMBER = re.compile(rb'"(?P<name>' + _SECRET_NAME + rb'|key)"\s*:\s*"(?P<value>[^"\\]{6,})"', re.IGNORECASE)
_NETRC = re.compile(
    rb"\b(?:machine[ \t]+\S+|default)\s+login\s+(?P<user>\S+)\s+(?:account\s+\S+\s+)?password\s+(?P<value>\S+)"
)
_PGPASS = re.compile(rb"^[^:#\r\n]+:[^:\r\n]*:[^:\r\n]*:(?P<user>[^:\r\n]+):(?P<value>[^\r\n]+)$", re.MULTILINE)
_HTPASSWD = re.compile(rb"^[^:\s]+:(?P<value>\$\S+|\{SHA\}\S+)", re.MULTILINE)
_LEAST_RANDOM = 20  # letters
_LEAST_ENTROPY = 4.0  # bits a letter: airgap-bundle's measure for files of such names
_ELSEWHERE = (b"/", b"./", b"~", b"http://", b"https://")  # a name or a place of a secret, which stands elsewhere


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of file."""

    pattern: str
    """Its path from some folder on, as a shell writes it: `.aws/credentials`."""
    read: Callable[[bytes], Iterator[int]]
    """Where in its bytes a credential stands."""
    of_tools: bool = False
    """Whether only a person's tools read it, in the home folder: no program needs it in a bundle."""


def _assigned(data: bytes) -> Iterator[int]:
    """Values of names that speak of a secret, and random ones, in lines `NAME=value` or `name: value`."""
    for match in _ASSIGNMENT.finditer(data):
        quote = match["quote"]
        value = match["value"].partition(quote)[0] if quote else _COMMENT.sub(b"", match["value"]).strip().rstrip(b",")
        named = _IS_SECRET.fullmatch(match["name"]) is not None and not value.startswith(_ELSEWHERE)
        secret = named and not is_placeholder(value)
        if secret or (len(value) >= _LEAST_RANDOM and b" " not in value and _is_random(value)):
            yield match.start("value")


def _is_random(value: bytes) -> bool:
    has = (re.search(letters, value) is not None for letters in (rb"[0-9]", rb"[A-Za-z]"))
    return all(has) and entropy(value) >= _LEAST_ENTROPY and re.fullmatch(rb"[\w+/=.~-]+", value) is not None


def _members(data: bytes) -> Iterator[int]:
    """Members of a JSON object that hold a secret."""
    for match in _JSON_MEMBER.finditer(data):
        if not is_placeholder(match["value"]):
            yield match.start("value")


def _lines(expression: re.Pattern[bytes]) -> Callable[[bytes], Iterator[int]]:
    def read(data: bytes) -> Iterator[int]:
        for match in expression.finditer(data):
            if not is_default(match["value"], match.groupdict().get("user", b"")):
                yield match.start("value")

    return read


def _nothing(_: bytes) -> Iterator[int]:
    """What is in it has a form of its own (URLs, keys), or is nobody's business as a whole."""
    return iter(())


_TEMPLATES = (
    ".example",
    ".sample",
    ".template",
    ".tmpl",
    ".dist",
    ".defaults",
    ".j2",
    ".md",
    ".py",
    ".pyc",
    ".pyi",
    ".html",
    ".rst",
)

STORES = (
    Store(".netrc", _lines(_NETRC), of_tools=True),
    Store("_netrc", _lines(_NETRC), of_tools=True),
    Store(".pypirc", _assigned, of_tools=True),
    Store(".git-credentials", _nothing, of_tools=True),
    Store(".npmrc", _assigned, of_tools=True),
    Store(".pgpass", _lines(_PGPASS), of_tools=True),
    Store(".my.cnf", _assigned, of_tools=True),
    Store(".aws/credentials", _assigned, of_tools=True),
    Store(".docker/config.json", _members, of_tools=True),
    Store(".dockercfg", _members, of_tools=True),
    Store(".kube/config", _assigned, of_tools=True),
    Store(".kaggle/kaggle.json", _members, of_tools=True),
    Store(".config/gh/hosts.yml", _assigned, of_tools=True),
    Store(".config/gcloud/*.json", _members, of_tools=True),
    Store(".cargo/credentials*", _assigned, of_tools=True),
    Store(".vault-token", _nothing, of_tools=True),
    Store(".ssh/*", _nothing, of_tools=True),
    Store(".gnupg/*", _nothing, of_tools=True),
    Store(".bash_history", _nothing, of_tools=True),
    Store(".zsh_history", _nothing, of_tools=True),
    Store(".python_history", _nothing, of_tools=True),
    Store("pip.conf", _assigned),
    Store("pip.ini", _assigned),
    Store(".env", _assigned),
    Store(".env.*", _assigned),
    Store("*.env", _assigned),
    Store(".envrc", _assigned),
    Store(".flaskenv", _assigned),
    Store(".htpasswd", _lines(_HTPASSWD)),
    Store("credentials", _assigned),
    Store("credentials.json", _members),
    Store("credentials.ini", _assigned),
    Store("secrets.json", _members),
    Store("secrets.toml", _assigned),
    Store("secrets.yaml", _assigned),
    Store("secrets.yml", _assigned),
    Store("secrets.ini", _assigned),
    Store("application_default_credentials.json", _members),
    Store("service_account*.json", _members),
    Store("*.tfvars", _assigned),
)


_IN_FOLDERS = tuple(store for store in STORES if "/" in store.pattern)
_BY_NAME = tuple(store for store in STORES if "/" not in store.pattern)


@cache
def _any_name() -> re.Pattern[str]:
    """The names of all stores that any folder may have."""
    return re.compile("|".join(fnmatch.translate(store.pattern) for store in _BY_NAME))


_OF_TOOLS = frozenset(store.pattern for store in _BY_NAME if store.of_tools)


def is_of_tools(path: str) -> bool:
    """Whether only a person's tools read the file at a bundle path."""
    if path.rpartition("/")[2] in _OF_TOOLS:
        return True
    below = "/" + path
    return "/." in below and any(fnmatch.fnmatchcase(below, "*/" + store.pattern) for store in _IN_FOLDERS)


def store_of(path: str) -> Store | None:
    """The kind of store that a bundle path names; None for other files."""
    name = path.rpartition("/")[2]
    below = "/" + path
    if "/." in below:  # all of these folders are hidden
        found = next((store for store in _IN_FOLDERS if fnmatch.fnmatchcase(below, "*/" + store.pattern)), None)
        if found is not None:
            return found
    if _any_name().match(name) is None or name.endswith(_TEMPLATES):
        return None
    return next(store for store in _BY_NAME if fnmatch.fnmatchcase(name, store.pattern))
