"""What a sink is told of the bundle that it writes: values, so that no sink knows Python, an environment or a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bundler.entries import Entry


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a container image says of the bundle in it, and holds beside it."""

    folder: str
    """The folder of the bundle in the image, without a leading slash."""
    scripts: str
    """The bundle path of the folder that goes on PATH."""
    command: tuple[str, ...]
    """What the image starts."""
    os: str
    """Go's word for the system (`linux`)."""
    architecture: str
    """Go's word for the machine (`amd64`)."""
    name: str = "app:latest"
    """The reference of the image, tag included."""
    surroundings: tuple[Entry, ...] = ()
    """What the bundle needs around it, as entries of the image's root; nothing where it is put on a base."""


@dataclass(frozen=True, slots=True)
class TargetNeeds:
    """What a bundle asks of the machine that it runs on, in the words by which a shell there can ask for it."""

    system: str
    """What `uname -s` says."""
    machines: tuple[str, ...]
    """What `uname -m` says on the machines that it is built for."""
    runs_on: tuple[str, ...] = ()
    """What it says on others that run their programs, too."""
    libc: str = ""
    """`glibc` or `musl`; "" where the system has but one."""
    release: str = ""
    """The floor, of the libc or of the system (`2.36`); "" where nothing asks for one."""


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What an archive says of the bundle as a whole. Times are in nanoseconds since the epoch."""

    root_ns: int
    """The time of the bundle's own folder."""
    latest_ns: int
    """The latest time of any entry."""
    needs: TargetNeeds
    start: str = ""
    """The bundle path of the program that starts the application; "" for none."""
    image: ImageFacts | None = None
    """For formats that are images."""
    size: int = 0
    """Bytes of all files, about."""


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What is known of any bundle that lies in a directory: for a pack that brings one up to date."""

    manifest: str
    """The bundle path of the file that lists the others."""
    read_contents: Callable[[bytes], Mapping[str, str]]
    """From the bytes of that file: the SHA-256 (hexadecimal) of each file, `link:` and the target of each link, by bundle path."""
    is_regenerated: Callable[[str], bool]
    """Whether a file at a bundle path is nobody's work: it comes back by itself, or is worth nothing when the others change."""
