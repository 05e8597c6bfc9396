"""What the page calls things by: each file, owner and absent library has a number, and with it an address within the page."""

from __future__ import annotations

from bundler.contents import Contents, Item, Need, Place
from bundler.contents.parts import part_finder


class Numbering:
    """The numbers of a bundle's files, owners and absent libraries: their places in `contents.items`, `owners` and `absent`."""

    def __init__(self, contents: Contents) -> None:
        self.files = {item.path: number for number, item in enumerate(contents.items)}
        self._part = part_finder(contents)
        self.owners = tuple(sorted({self.owner_name(item) for item in contents.items}))
        """Names of distributions, and of what belongs to none (`contents.parts`)."""
        self.absent = tuple(
            sorted(
                {
                    (need.name, need.place)
                    for binary in contents.binaries.values()
                    for need in binary.needs
                    if self.is_absent(need)
                },
                key=lambda pair: (pair[0], pair[1].value),
            )
        )
        """Names of libraries that are none of the bundle's, each with where it is."""
        self._owners = {name: number for number, name in enumerate(self.owners)}
        self._absent = {pair: number for number, pair in enumerate(self.absent)}

    def is_absent(self, need: Need) -> bool:
        """Whether a needed library is none of the bundle's files."""
        return need.place is not Place.BUNDLE or need.path not in self.files

    def owner(self, item: Item) -> int:
        """The number of a file's owner."""
        return self._owners[self.owner_name(item)]

    def owner_name(self, item: Item) -> str:
        """Whose a file is: the name of a distribution, or of the part that it belongs to instead."""
        part = self._part(item)
        return item.owner if part is None else part.value

    def owner_of_name(self, name: str) -> int | None:
        """The number of the owner of a name; None for one that owns nothing."""
        return self._owners.get(name)

    def library(self, name: str, place: Place) -> int:
        """The number of a library that is not in the bundle."""
        return self._absent[name, place]

    def address_of_file(self, path: str) -> str:
        """Where the page tells of the file at a bundle path; "" for a path that the bundle does not have."""
        return f"#file/{self.files[path]}" if path in self.files else ""

    def address_of_owner(self, name: str) -> str:
        """Where the page tells of an owner; "" for one that owns nothing."""
        return f"#owner/{self._owners[name]}" if name in self._owners else ""

    def address_of_library(self, name: str, place: Place) -> str:
        """Where the page tells of a library that is not in the bundle."""
        return f"#name/{self.library(name, place)}"
