"""What a bundle was made of, by the names that everybody has for it: for its provenance."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from packaging.utils import canonicalize_name

from bundler.environment import Distribution, Environment
from bundler.rewrite.urls import without_credentials
from bundler.signing.provenance import Material


def materials(environment: Environment) -> tuple[Material, ...]:
    """The interpreter, and each distribution, in the order of their names: with its digest where an installer noted that."""
    distributions = sorted({_distribution(found) for found in environment.distributions})
    return (*_interpreter(environment), *distributions)


def _interpreter(environment: Environment) -> Iterator[Material]:
    yield Material("python", f"pkg:generic/cpython@{quote(environment.interpreter.version, safe='')}")


def _distribution(found: Distribution) -> Material:
    """From an index by its package URL; else by the URL that it was fetched from, but for one of the packing machine."""
    name, version = str(canonicalize_name(found.name)), quote(found.version, safe="")
    origin = found.direct_url
    if origin is None:
        return Material(name, f"pkg:pypi/{name}@{version}")
    algorithm, digest = ("sha256", origin.sha256) if origin.sha256 else ("gitCommit", origin.commit)
    is_elsewhere = "://" in origin.url and not origin.is_local
    uri = without_credentials(origin.url) if is_elsewhere else f"pkg:generic/{name}@{version}"
    return Material(name, uri, algorithm if digest else "", digest)
