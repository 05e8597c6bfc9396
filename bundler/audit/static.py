"""The static half of the audit: what a bundle that was read has in its files, its links and its metadata. Nothing is run."""

from __future__ import annotations

from bundler.audit.distributions import audit_distributions
from bundler.audit.installed import Installed
from bundler.audit.landmarks import audit_landmarks
from bundler.audit.launchers import audit_launchers
from bundler.audit.links import audit_links
from bundler.audit.permissions import audit_permissions
from bundler.audit.scripts import audit_scripts
from bundler.audit.texts import audit_texts
from bundler.audit.told import audit_told
from bundler.audit.tree import BundleTree
from bundler.audit.view import TreeView
from bundler.faults import Findings
from bundler.systems import System, system_named


def system_of_bundle(tree: BundleTree) -> System:
    """The rules of the bundle's system. Raises UnsupportedBundle for one that is not known."""
    return system_named(tree.manifest.system)


def audit_static(tree: BundleTree, system: System) -> Findings:
    """Faults and notes of all that an audit can tell without running anything, but for contents and what was added.

    Binaries that an installer brought later are its own business: a note.
    """
    found, notes = system.check_binaries(TreeView(tree))
    installed = Installed(tree)
    later = {fault.path for fault in found if installed.came_later(fault.path)}
    faults = [fault for fault in found if fault.path not in later]
    if later:
        notes.append(
            f"{len(later)} binaries that came after the pack lean on the host; packing the bundle again mends that"
        )
    permissions = audit_permissions(tree, system)
    return Findings(
        [
            *audit_links(tree),
            *faults,
            *audit_texts(tree),
            *audit_scripts(tree),
            *audit_launchers(tree),
            *audit_landmarks(tree, system),
            *audit_distributions(tree),
            *audit_told(tree),
            *permissions.faults,
        ],
        [*notes, *permissions.notes],
    )
