"""The options that a bundle remembers of the pack that made it: an update begins with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bundler.errors import BadConfiguration, BundlerError
from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.machine import os
from bundler.manifest import RecordedOptions, read_options
from bundler.option_names import with_keywords
from bundler.options import PackOptions
from bundler.prefixes import is_public
from bundler.trees.manifests import quick_manifest

_MANIFEST = "bundle.json"
PATHS = ("add", "include-lib")
"""The names of options whose recorded paths count from the folder of the environment."""


def remembered_options(bundle: str) -> RecordedOptions | None:
    """Those in the `bundle.json` of the directory or archive `bundle`; None where there is none that tells.

    What is wrong with the bundle is for the update to say.
    """
    try:
        data = quick_manifest(bundle) if os.path.isfile(bundle) else _manifest_of_directory(bundle)
        return read_options(data) if data is not None else None
    except (OSError, BundlerError):
        return None


def _manifest_of_directory(bundle: str) -> bytes:
    return read_regular(os.path.join(bundle, _MANIFEST), MOST_OF_A_MANIFEST)


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
    leading_out = [item for item in items if _leads_out(item.partition("=")[0])]
    if leading_out:  # no pack writes that
        raise BadConfiguration(
            f"{bundle} tells of a --{name} outside of the folder of the environment: {', '.join(leading_out)}",
            f"give all of --{name} again, or pack anew with --force",
        )
    is_name = name == "include-lib"
    return [item if is_name and "/" not in item else os.path.normpath(os.path.join(folder, item)) for item in items]


def _leads_out(source: str) -> bool:
    """Whether the path of a source leads elsewhere than into the folder of the environment, or to what is everybody's."""
    return not is_public(source) if os.path.isabs(source) else ".." in source.split("/")
