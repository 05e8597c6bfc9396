"""Which entry lies in which layer of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bundler.bundle_paths import parents
from bundler.entries import Directory, Entry, Layer


def by_layer(entries: Sequence[Entry]) -> Mapping[Layer, list[Entry]]:
    """The entries of each layer, the lowest layer first, in the order in which they came.

    A directory lies in the lowest layer that has something below it: no layer relies on one above.
    """
    order = list(Layer)
    lowest: dict[str, int] = {}
    for entry in entries:
        if not isinstance(entry.content, Directory):
            level = order.index(entry.layer)
            for folder in parents(entry.path):
                if lowest.get(folder, len(order)) <= level:
                    break
                lowest[folder] = level
    layers: dict[Layer, list[Entry]] = {layer: [] for layer in order}
    for entry in entries:
        if isinstance(entry.content, Directory):
            layer = order[lowest.get(entry.path, order.index(entry.layer))]
            layers[layer].append(entry._replace(layer=layer))
        else:
            layers[entry.layer].append(entry)
    return {layer: found for layer, found in layers.items() if found}
