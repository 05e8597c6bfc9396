"""Files of a bundle that ask for more than its target has: faults of one form, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bundler.bundle_paths import lies_in
from bundler.faults import Fault, FaultKind
from bundler.floor import FloorDemand
from bundler.machine import os
from bundler.systems.bundle_view import BundleView, Wheel
from bundler.target import Target


def unfit(path: str, asks: str, target: Target, hint: str) -> Fault:
    """The fault of a file that asks for what the target has not."""
    return Fault(FaultKind.TARGET, path, f"needs {asks}; {target.name} has {target.has}", hint)


def too_new(demands: Iterable[FloorDemand], bundle: BundleView, target: Target) -> Iterator[Fault]:
    """A fault for each file that asks for a later release of the system than the target is."""
    highest: dict[str, FloorDemand] = {}
    for demand in demands:
        known = highest.get(demand.file)
        if known is None or demand.release > known.release:
            highest[demand.file] = demand
    for path, demand in highest.items():
        if target.release is not None and demand.release > target.release:
            asks = f"{target.system.shown} {demand.text} or later ({demand.reason})"
            yield unfit(path, asks, target, what_helps(bundle, path, target, lambda _wheel: ""))


def what_helps(
    bundle: BundleView, path: str, target: Target, wanted: Callable[[Wheel], str], *, leave: str = "", more: str = ""
) -> str:
    """What to do about a file that asks for too much, by where it came from.

    `wanted` says of a wheel what another one would have to be, or "" for nothing in particular. `leave` is what leaves a library to
    the target, `more` another way out.
    """
    name = os.path.basename(path)
    wheel = bundle.wheel_of(path)
    if wheel is not None:
        steps = [_about_wheel(wheel, target, wanted(wheel)), f"--exclude {name} leaves it out"]
    elif bundle.scheme.bundled and lies_in(path, bundle.scheme.bundled):
        users = bundle.needed_by(path)
        who = f", and {os.path.basename(users[0])} needs it" if users and users[0] != bundle.scheme.executable else ""
        steps = [f"it is the packing machine's own{who}: pack on {target.title}, or on something as old", leave]
    elif _is_of_python(bundle, path):
        steps = [f"take a Python that was built for {target.title}, or for something as old"]
    else:
        steps = [f"build it for {target.title}, or leave it out (--exclude {name})"]
    return "; ".join(filter(None, (more, *steps)))


def _about_wheel(wheel: Wheel, target: Target, wanted: str) -> str:
    what = f"{wheel.name} {wheel.version}"
    foreign = [tag for tag in wheel.platforms if not tag.startswith("linux_")]
    if not foreign:
        return f"{what} was built where it was installed: take a wheel of its makers, or build it on {target.title}"
    return f"{what} is a wheel for {' and '.join(foreign)}: {wanted or 'an earlier version may have one for less'}"


def _is_of_python(bundle: BundleView, path: str) -> bool:
    scheme = bundle.scheme
    folders = (scheme.stdlib, scheme.dynload)
    inside = any(lies_in(path, folder) for folder in folders if folder)
    packages = any(lies_in(path, folder) for folder in (scheme.site_packages, scheme.system_site) if folder)
    return path == scheme.executable or scheme.is_libpython(path) or (inside and not packages)
