"""The bill of materials of a bundle: the components that it is made of, in the two formats that tools read."""

from bundler.sbom.component import Component, ComponentKind

__all__ = ["Component", "ComponentKind"]
