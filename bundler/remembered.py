"""The options that a bundle remembers of the pack that made it: an update begins with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bundler.errors import BadConfiguration, BundlerError
from bundler.machine import os
from bundler.manifest import RecordedOptions, read_options
from bundler.option_names import with_keywords
from bundler.options import PackOptions

_MANIFEST = "bundle.json"
PATHS = ("add", "include-lib")
"""The names of options whose recorded paths count from the folder of the environment."""


def remembered_options(bundle: str) -> RecordedOptions | None:
    """Those in the `bundle.json` of the directory `bundle`; None where there is none that tells.

    What is wrong with the bundle is for the update to say.
    """
    try:
        with open(os.path.join(bundle, _MANIFEST), "rb") as file:
            return read_options(file.read())
    except (OSError, BundlerError):
        return None


def options_of_bundle(bundle: str, folder: str, keywords: Collection[str]) -> PackOptions:
    """The options to begin an update of `bundle` with, but for those that `keywords` (of `pack`) say anew.

    The environment lies in `folder`. Raises BadConfiguration for files whose places the bundle does not tell, BadOption for an
    option that this version does not know.
    """
    recorded = remembered_options(bundle)
    if recorded is None:
        return PackOptions()
    kept = {name: value for name, value in recorded.values.items() if name.replace("-", "_") not in keywords}
    values: dict[str, object] = dict(kept)
    for name in PATHS:
        if isinstance(items := kept.get(name), tuple):
            values[name] = places_of(items, name, bundle, folder)
    try:
        options = with_keywords(PackOptions(), {name.replace("-", "_"): value for name, value in values.items()})
    except BundlerError as error:
        raise error.at(os.path.join(bundle, _MANIFEST)) from error
    return replace(options, configured=frozenset(kept).intersection(recorded.configured))


def places_of(items: Iterable[str], name: str, bundle: str, folder: str) -> Sequence[str]:
    """Recorded items of the option `name`, whose paths count from `folder`. Raises BadConfiguration for those that are not told."""
    items = list(items)
    untold = [item[1:] for item in items if item.startswith("=")]
    if untold:
        raise BadConfiguration(
            f"{bundle} was made with --{name} of what lies elsewhere than beside the environment; bundle.json does not tell where: "
            + ", ".join(untold),
            f"give all of --{name} again, or pack anew with --force",
        )
    is_name = name == "include-lib"
    return [item if is_name and "/" not in item else os.path.normpath(os.path.join(folder, item)) for item in items]
