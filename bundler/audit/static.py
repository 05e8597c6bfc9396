"""The static half of the audit: what a bundle that was read has in its files, its links and its metadata. Nothing is run."""

from __future__ import annotations

from bundler.audit.distributions import audit_distributions
from bundler.audit.installed import Installed
from bundler.audit.landmarks import audit_landmarks
from bundler.audit.launchers import audit_launchers
from bundler.audit.links import audit_links
from bundler.audit.permissions import audit_permissions
from bundler.audit.scripts import audit_scripts
from bundler.audit.second_reading import OpenFile
from bundler.audit.texts import audit_texts
from bundler.audit.told import audit_told
from bundler.audit.tree import BundleTree
from bundler.audit.view import TreeView
from bundler.errors import BadOption
from bundler.faults import Fault, FaultKind, Findings
from bundler.manifest import Manifest
from bundler.platforms import Libc, OperatingSystem, Platform, machine_named
from bundler.systems import System, system_named
from bundler.systems.targets import target_named, why_no_target
from bundler.target import Target


def system_of_bundle(tree: BundleTree) -> System:
    """The rules of the bundle's system. Raises UnsupportedBundle for one that is not known."""
    return system_named(tree.manifest.system)


def target_of_bundle(tree: BundleTree, name: str) -> tuple[Target | None, list[str]]:
    """The target of a name, or without one that of the pack, and a note where this version does not know the latter.

    Raises BadOption for a name that there is none of.
    """
    if name:
        return target_named(name), []
    options = tree.manifest.options
    packed_for = options.values.get("target") if options is not None else None
    if not isinstance(packed_for, str):
        return None, []
    try:
        return target_named(packed_for), []
    except BadOption:
        return None, [f"it was packed for {packed_for}, which this version does not know: give another name (--target)"]


def _platform(manifest: Manifest) -> Platform:
    """What a bundle was packed for."""
    machines = [machine_named(name) for name in manifest.machine.split("+")]
    libc = next((libc for libc in Libc if libc.value == manifest.libc), None)
    return Platform(
        OperatingSystem(manifest.system), tuple(machine for machine in machines if machine is not None), libc
    )


def audit_static(
    tree: BundleTree, system: System, target: Target | None = None, open_file: OpenFile | None = None
) -> Findings:
    """Faults and notes of all that can be told without running anything, but for contents and additions; and what a `target` lacks.

    Binaries that an installer brought later are its own business: a note. Whether they run on the target is not. `open_file` opens
    a file of the bundle: what symbols binaries bind is looked at only with it, and a plan has looked already.
    """
    elsewhere = why_no_target(target, _platform(tree.manifest)) if target is not None else None
    found, notes = system.check_binaries(TreeView(tree, open_file), target if elsewhere is None else None)
    installed = Installed(tree)
    of_target = [fault for fault in found if fault.kind is FaultKind.TARGET]
    found = [fault for fault in found if fault.kind is not FaultKind.TARGET]
    later = {fault.path for fault in found if installed.came_later(fault.path)}
    faults = [fault for fault in found if fault.path not in later]
    if elsewhere is not None:
        of_target = [Fault(FaultKind.TARGET, "", elsewhere, "give the target that it is packed for")]
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
            *of_target,
        ],
        [*notes, *permissions.notes],
    )
