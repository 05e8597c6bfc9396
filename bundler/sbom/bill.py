"""A bill of materials, before it has a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from bundler.manifest import Manifest
from bundler.options import SbomFormat
from bundler.sbom.component import Component, ComponentKind, LicenceTeller
from bundler.sbom.components import components_of
from bundler.sbom.distributions import Read

SUFFIXES: Mapping[SbomFormat, str] = {SbomFormat.CYCLONEDX: ".cdx.json", SbomFormat.SPDX: ".spdx.json"}
"""How files of each format end, by which other tools know them."""
BILL_PATHS: Mapping[SbomFormat, str] = {form: f"bundle{suffix}" for form, suffix in SUFFIXES.items()}
"""Where a bundle has its own."""
_NAMELESS = "application"


@dataclass(frozen=True, slots=True)
class Bill:
    """What a bundle is made of, and who says so."""

    name: str
    """The application's; a word for one where nobody knows it."""
    version: str
    maker: str
    """The version of bundler that packed it."""
    created: datetime
    components: tuple[Component, ...]

    @property
    def roots(self) -> Sequence[str]:
        """The `ref`s of the components that no other one asks for."""
        needed = {ref for each in self.components for ref in each.needs}
        return [each.ref for each in self.components if each.ref not in needed]


def bill_of(manifest: Manifest, read: Read, created: int) -> Bill:
    """The bill of a bundle; `created` is in seconds since 1970."""
    name, version = manifest.application
    return Bill(
        name or _NAMELESS,
        version,
        manifest.bundler,
        datetime.fromtimestamp(created, timezone.utc),
        components_of(manifest, read),
    )


def remarks(component: Component) -> dict[str, str]:
    """What no field of a format is there for, by names of ours."""
    told = {
        "kind": component.kind.value,
        "package": component.package,
        "licence-told-by": component.told_by.value if component.told_by is not LicenceTeller.NOBODY else "",
        "licence-files": " ".join(component.licence_files),
        "version": "unknown" if component.kind is ComponentKind.VENDORED and not component.version else "",
    }
    return {f"bundler:{name}": value for name, value in told.items() if value}
