"""What the user decides: immutable options, one value for each command."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from bundler.machine import os
from bundler.option_kinds import at_least, one_of, read_fields


class LinkMode(enum.Enum):
    """How a file that is not changed gets into a directory."""

    AUTO = "auto"
    """A reflink where the file system has them, else a copy."""
    COPY = "copy"
    HARDLINK = "hardlink"
    """One inode for bundle and source; a copy where that may not be."""
    REFLINK = "reflink"
    """A reflink, or an error."""


class Pyc(enum.Enum):
    """What becomes of compiled modules (`__pycache__`)."""

    KEEP = "keep"
    """As the environment has them."""
    COMPILE = "compile"
    """Made anew: never checked against their source, without a path of this machine."""
    NONE = "none"
    """Left out: Python writes its own where it may."""


class LibcMode(enum.Enum):
    """Whose libc a bundle for Linux runs on."""

    HOST = "host"
    """The target's, which must be as new as the report says."""
    BUNDLE = "bundle"
    """Its own, which comes along with the loader: it runs on older targets, on ones with another libc, and on ones without any."""
    AUTO = "auto"
    """The target's where that is new enough, else its own, which comes along: each program looks at its start."""


class Launcher(enum.Enum):
    """What starts the scripts that Python runs."""

    SH = "sh"
    """A header in sh at their beginning."""
    NATIVE = "native"
    """A small static program in their place (Linux on x86-64 and aarch64): it needs no shell."""


class Symlinks(enum.Enum):
    """What becomes of symbolic links."""

    KEEP = "keep"
    NONE = "none"
    """The files that they mean take their places."""


class Profile(enum.Enum):
    """How much of Python comes along; packages are always whole."""

    FULL = "full"
    """All of it."""
    STANDARD = "standard"
    """Without what tests and links Python itself, its own tests and static libraries, and without `idle` and `pydoc`."""
    RUNTIME = "runtime"
    """Without what building needs as well: headers, build settings, manual pages."""
    SLIM = "slim"
    """Without what few applications use as well: tkinter, IDLE, pydoc's texts, ensurepip."""


class EditableMode(enum.Enum):
    """What becomes of editable installs."""

    COPY = "copy"
    """The files are taken from where the editable points."""
    BUILD = "build"
    """The project's back end builds a wheel from a copy of the project, and what is in that is taken."""
    ERROR = "error"
    """They are refused."""


class LeakMode(enum.Enum):
    """What becomes of what would tell the bundle's receiver of its maker: credentials, names, paths of the source."""

    ALLOW = "allow"
    """Nobody looks."""
    WARN = "warn"
    """It is told, and comes along."""
    REFUSE = "refuse"
    """All of it is refused: names and paths as well as credentials."""


class SbomFormat(enum.Enum):
    """A form of a bill of materials."""

    CYCLONEDX = "cyclonedx"
    """CycloneDX 1.6, JSON."""
    SPDX = "spdx"
    """SPDX 2.3, JSON."""


class AuditDepth(enum.Enum):
    """What the audit imports, in the bundle and, where it compares, in the source."""

    QUICK = "quick"
    """Extension modules."""
    FULL = "full"
    """Every top-level module and what scripts start as well; distributions and entry points are compared."""


@dataclass(frozen=True, slots=True)
class ContentOptions:
    """What a bundle holds."""

    profile: Profile = Profile.STANDARD
    patterns: tuple[str, ...] = ()
    """Patterns of .gitignore on bundle paths, in order: what matches is left out, and with `!` before it comes along."""
    add: tuple[str, ...] = ()
    """`SRC` or `SRC=DEST`: files and folders of the user's own, and the bundle paths where they go."""
    entry: str = ""
    """The start command: `module:function`, or a script of the bundle with arguments (`bin/app serve`)."""
    readme: bool = True
    """Whether a `README.txt` tells who gets the bundle how to start it and what it needs."""
    editable: EditableMode = EditableMode.COPY
    build_network: bool = False
    """Whether back ends may use the network, and are installed with what they need for each project."""
    system_site: bool = True
    """Whether the base's packages come along where the environment uses them (`include-system-site-packages = true`)."""
    pyc: Pyc | None = None
    """None for the format's own way: archives compile, directories keep."""
    isolated: bool = False
    """Whether scripts run Python with `-E -s`: without the variables PYTHON* and the user's own site-packages."""
    launcher: Launcher = Launcher.SH
    symlinks: Symlinks = Symlinks.KEEP
    libc: LibcMode = LibcMode.HOST
    target: str = ""
    """The name of a system that the bundle must run on (`systems.targets`); "" for none in particular."""
    exclude_libs: tuple[str, ...] = ()
    """Names of shared libraries that are left to the host, or patterns of a shell."""
    include_libs: tuple[str, ...] = ()
    """Names or paths of shared libraries that come along although nothing asks for them, or although they are the host's."""
    fix_execstack: bool = False
    """Whether no file shall ask for an executable stack any more: glibc 2.41 and later refuse to open those that do."""
    keep_modes: bool = False
    """Whether archives and images keep modes by which others than the owner may not read."""
    allow_incomplete: bool = False
    """Whether distributions are packed whose RECORD names modules that are not there."""
    leaks: LeakMode | None = None
    """None: credentials are refused, all else is told."""
    allow_leaks: tuple[str, ...] = ()
    """Patterns of .gitignore on bundle paths, `KIND:` before those for one kind alone: what is found there may pass."""
    sbom: tuple[SbomFormat, ...] = ()
    """In which forms the bundle tells what it is made of."""
    thin: str = field(default="", metadata=one_of("", "arm64", "x86_64"))
    """macOS: the one architecture that is kept of universal files; "" keeps all."""

    def __post_init__(self) -> None:
        """Values may be given as text. Raises BadOption."""
        read_fields(self)

    @property
    def leaves_packages_out(self) -> bool:
        """Whether distributions that the environment has may be missing: profiles leave packages whole."""
        return bool(self.patterns) or not self.system_site


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What an OCI image is put on, and says of itself."""

    base: str = "scratch"
    """A file that holds an image, or `scratch`: nothing but libc's family of this machine."""
    user: str = ""
    variables: tuple[str, ...] = ()
    """Each is `NAME=VALUE`."""
    labels: tuple[str, ...] = ()
    """Each is `NAME=VALUE`."""
    name: str = ""
    """A reference (`stockroom:1.0`); "" for the application's name and version."""

    def __post_init__(self) -> None:
        """Raises BadOption."""
        read_fields(self)

    @property
    def on_scratch(self) -> bool:
        """Whether there is nothing that the image is put on."""
        return self.base == "scratch"


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is never shown."""

    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to pack."""

    content: ContentOptions = field(default_factory=ContentOptions)
    image: ImageOptions = field(default_factory=ImageOptions)
    format: str | None = None
    """One of `formats.FORMAT_NAMES`; None for what the suffix of the output asks for."""
    force: bool = False
    """Whether a bundle or an archive at the output is replaced."""
    in_place: bool = False
    """Whether the bundle takes the place of the environment that it is made of."""
    link: LinkMode = LinkMode.AUTO
    threads: int = field(default_factory=lambda: os.cpu_count() or 1, metadata=at_least(1))
    """How many files are written, or blocks compressed, at once."""
    top: str = ""
    """A folder that is put above an archive's entries."""
    level: int | None = None
    """The compression level of an archive, whose range is the codec's."""
    root: str = "/"
    """The directory that the environment sees as `/`: an unpacked image, a sysroot."""
    probe: bool = True
    """Whether the environment's interpreter may be run; else its facts come from files, and nothing of it is run."""
    verify: bool = True
    audit: AuditDepth = AuditDepth.FULL
    """With `quick`, bundle.json does not tell what fails to import in the source."""
    runner: str = ""
    """The command of this machine that runs the bundle's programs for the audit, where the kernel does not; "" for none."""
    cache: bool = True
    """Whether what earlier packs learned and compiled is used, and what this one does is kept for later ones."""
    dry_run: bool = False
    update: bool = False
    """Touch only what differs from the bundle that is there; of an archive, take over what would be the same."""
    reuse: str = ""
    """Another archive of the same format from which is taken over what would be the same; "" for none."""
    page: str = ""
    """Where an HTML page of what is in the bundle goes, once it is proved; "" for none."""
    licences: str = ""
    """A folder for the licence texts of all that the bundle is made of; "" for none."""
    sign: str = ""
    """The file of a private key that signs the bundle; "" for none."""
    passphrase: Secret = Secret()
    """Of an encrypted key. It has no name on the command line, and none in `[tool.bundler]`: see `signing.keys.PASSPHRASE`."""
    trace: tuple[str, ...] = ()
    """Commands that are run in the environment first: what they use comes along. Words as for a shell; none runs them."""
    configured: frozenset[str] = frozenset()
    """The names, as in `[tool.bundler]`, of options that a configuration gave: another one then takes their place in an update."""

    def __post_init__(self) -> None:
        """Values may be given as text. Raises BadOption."""
        given: object = self.passphrase
        if isinstance(given, str):  # an error would show it
            object.__setattr__(self, "passphrase", Secret(given))
        read_fields(self)
