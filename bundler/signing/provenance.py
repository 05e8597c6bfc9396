"""What a bundle was made of, how and by what, as far as the packer knows: the predicate of SLSA (slsa.dev/provenance/v1).

It tells nothing that `bundle.json` does not tell, but for the digests and places that installers noted; no time, machine, user or
folder: the same pack gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bundler.manifest import Manifest
from bundler.version import VERSION

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "pkg:pypi/relocatable-bundler#pack/v1"
"""What the parameters mean: docs/signing.md."""
BUILDER = "pkg:pypi/relocatable-bundler"
_DISTRIBUTION = "relocatable-bundler"


class Material(NamedTuple):
    """Something that went into a bundle."""

    name: str
    uri: str
    """A package URL, or where it was fetched from."""
    algorithm: str = ""
    """Of the digest: `sha256`, or `gitCommit`; "" where nobody noted one."""
    digest: str = ""

    def to_dict(self) -> dict[str, object]:
        """in-toto's ResourceDescriptor."""
        return {
            "name": self.name,
            "uri": self.uri,
            **({"digest": {self.algorithm: self.digest}} if self.algorithm else {}),
        }


def provenance(manifest: Manifest, materials: Sequence[Material], form: str) -> dict[str, object]:
    """The predicate for the bundle of a manifest, packed in a format."""
    options = dict(manifest.options.values) if manifest.options is not None else {}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"format": form, "options": options},
            "internalParameters": {
                "platform": {"system": manifest.system, "machine": manifest.machine, "libc": manifest.libc or ""},
                "python": {"implementation": manifest.python.implementation, "version": manifest.python.version},
            },
            "resolvedDependencies": [material.to_dict() for material in materials],
        },
        "runDetails": {"builder": {"id": BUILDER, "version": {_DISTRIBUTION: VERSION}}},
    }


def builder_of(predicate: object) -> str:
    """What a predicate says has made its subjects, with the version where it is told; "" where it does not say."""
    details = predicate.get("runDetails") if isinstance(predicate, dict) else None
    builder = details.get("builder") if isinstance(details, dict) else None
    name, versions = (builder.get("id"), builder.get("version")) if isinstance(builder, dict) else (None, None)
    version = versions.get(_DISTRIBUTION) if isinstance(versions, dict) else None
    return (name if isinstance(name, str) else "") + (f"@{version}" if isinstance(version, str) else "")
