"""The bill of materials of a bundle: the components that it is made of, in the two formats that tools read."""

from bundler.sbom.component import Component, ComponentKind, LicenceTeller
from bundler.sbom.components import components_of
from bundler.sbom.distributions import Read, is_read

__all__ = ["Component", "ComponentKind", "LicenceTeller", "Read", "components_of", "is_read"]
