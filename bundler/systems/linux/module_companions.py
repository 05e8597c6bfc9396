"""What lines in a Python package lead libraries of the host to: a table, with a reason on each line.

These libraries list or read folders by a path of their own, where `$ORIGIN` means nothing. What moves the path is a variable. It is
set while the library reads it, by lines at the head of the module that opens the library, and then put back: child processes see
nothing of it. Where a function of the library takes the path no variable is needed.

Each line was run, from Debian's packages, in a root where the originals are out of reach and others lie in their place.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bundler.systems.linux.policy import matches


class Choice(enum.Enum):
    """Which files of a folder come along."""

    ALL = "those with the right names"
    IN_CACHE = "those that its cache names"
    LIBTOOL = "those with the right names, among them descriptions by libtool, which shall name no other folder"
    TYPELIBS = "the typelibs that the code requires, and what they need"


@dataclass(frozen=True, slots=True)
class Variable:
    """What moves a path of a library."""

    name: str
    file: str = ""
    """What of the folder it names; the folder itself where this is empty."""
    is_list: bool = False
    """Whether it holds several paths: the bundle's is put behind the user's own. A single path of the user's stays alone."""
    default: str = ""
    """What a list stands for where it is not set."""


Argument = bytes | str | int | None | tuple[str]
"""What a function is given: a string, a path from the folder of what came along, room for so many bytes of an answer, a null
pointer, or what another function of the library gives."""


class Call(NamedTuple):
    """A function of a library that makes it read its variables, once and for all, or that is told a path."""

    library: str
    """Its name; that of the line's own library where it is empty."""
    function: str
    arguments: tuple[Argument, ...] = (None,)
    instead: str = ""
    """A variable that says the same as the call: where the user has set it the function is not called."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines at the head of modules."""

    modules: tuple[str, ...]
    """Their paths below a folder of packages: each of them may be the first to open the library."""
    variables: tuple[Variable, ...]
    calls: tuple[Call, ...]
    """Empty where the library reads the variables late, or again and again: they stay set, and child processes see them."""

    def told(self, modules: Iterable[str]) -> str:
        """For bundle.json: what they do in some of the modules."""
        told = [f"call {call.function} ({call.instead})" for call in self.calls if call.instead]
        if self.variables:
            names = " and ".join(variable.name for variable in self.variables)
            told.append(f"set {names}" + (" while the library reads it" if self.calls else ""))
        return f"lines in {', '.join(modules)} {' and '.join(told)}"

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that say the same, the user's own."""
        return (*(each.name for each in self.variables), *(call.instead for call in self.calls if call.instead))


@dataclass(frozen=True, slots=True)
class ModuleCompanion:
    """Files that come along with a library, which a Python package opens."""

    library: str
    """As in `policy`: its file name without a version."""
    folders: tuple[str, ...]
    """Where they lie: below the folder of the library, or by an absolute name. What the first ones have wins.

    One with a star is a pattern for a path that is compiled into the library.
    """
    place: str
    """Where they come to: a path beside the library; below the folder of libpython with a slash in front."""
    files: tuple[str, ...]
    """Patterns for their names."""
    what: str
    without: str
    """What does not work without them."""
    lines: Lines
    choice: Choice = Choice.ALL
    closed: str = ""
    """A pattern for the path in the library that shall lead nowhere: an extension module may open it without the lines."""
    cache: str = ""
    """The file that lists them. Where the source has none an empty one is made: the library then opens no other host's."""


_GIO = "libgio-2.0.so.0"
# Any protocol that there is no proxy for: the modules are listed, and none is loaded.
_LIST_GIO_MODULES = Call(_GIO, "g_proxy_get_default_for_protocol", (b"",))


def _magick_list(name: str) -> Call:
    """A function of ImageMagick that gives all there is of one kind, which it reads once: pattern, count, exception."""
    return Call("", f"Get{name}List", (b"*", 8, ("AcquireExceptionInfo",)))


_START_MAGICK = Call("", "MagickCoreGenesis", (None, None))
# The policy: of limits the first one counts, which is the source's; what one of the two denies is denied.
_MAGICK_LISTS = ("ColorInfo", "ConfigureInfo", "DelegateInfo", "LocaleInfo", "MagicInfo", "MimeInfo", "PolicyInfo")
_MAGICK_FILES = (
    "colors.xml",
    "configure.xml",
    "delegates.xml",
    "english.xml",
    "francais.xml",
    "locale.xml",
    "magic.xml",
    "mime.xml",
    "policy.xml",
)

MODULE_COMPANIONS: tuple[ModuleCompanion, ...] = (
    *(
        ModuleCompanion(
            name,
            ("girepository-1.0", "/usr/lib/girepository-1.0"),
            "/girepository-1.0",
            ("*.typelib",),
            "typelibs of GObject introspection",
            without="`from gi.repository import …`",
            choice=Choice.TYPELIBS,
            lines=Lines(("gi/__init__.py",), (Variable("GI_TYPELIB_PATH", is_list=True),), (call,)),
        )
        for name, call in (
            ("libgirepository-1.0.so", Call("libgirepository-1.0.so.1", "g_irepository_get_default")),
            ("libgirepository-2.0.so", Call("libgirepository-2.0.so.0", "gi_repository_dup_default")),  # PyGObject 3.51
        )
    ),
    ModuleCompanion(
        "libgio-2.0.so",
        ("gio/modules",),
        "gio/modules",
        ("*.so", "giomodule.cache"),
        "modules of GIO",
        without="TLS, settings that last, proxies and network file systems",
        cache="giomodule.cache",
        lines=Lines(("gi/repository/__init__.py",), (Variable("GIO_MODULE_DIR"),), (_LIST_GIO_MODULES,)),
    ),
    ModuleCompanion(
        "libgio-2.0.so",
        ("/usr/share/glib-2.0/schemas",),
        "glib-2.0/schemas",
        ("gschemas.compiled",),
        "schemas of GSettings",
        without="GTK's file chooser: a program without its schema is ended",
        lines=Lines(
            ("gi/overrides/Gio.py",),
            (Variable("GSETTINGS_SCHEMA_DIR", is_list=True),),
            (Call(_GIO, "g_settings_schema_source_get_default"),),
        ),
    ),
    ModuleCompanion(
        "libgio-2.0.so",
        ("/usr/share/mime",),
        "share/mime",
        ("mime.cache",),
        "the kinds of files, where the target has no database of them",
        without="images whose format is told from their content: GTK's own icons are among them, and it ends without these",
        lines=Lines(
            ("gi/overrides/Gio.py",),
            (Variable("XDG_DATA_DIRS", "..", is_list=True, default="/usr/local/share/:/usr/share/"),),
            (Call(_GIO, "g_content_type_get_mime_dirs"),),
        ),
    ),
    ModuleCompanion(
        "libgdk_pixbuf-2.0.so",
        ("gdk-pixbuf-2.0/2.10.0",),
        "gdk-pixbuf-2.0/2.10.0",
        ("*.so",),
        "loaders of gdk-pixbuf",
        without="images of formats that are not built in: SVG, TIFF, BMP, ICO",
        choice=Choice.IN_CACHE,
        cache="loaders.cache",
        lines=Lines(
            ("gi/overrides/GdkPixbuf.py",),
            (Variable("GDK_PIXBUF_MODULE_FILE", "loaders.cache"),),
            (Call("libgdk_pixbuf-2.0.so.0", "gdk_pixbuf_get_formats"),),
        ),
    ),
    ModuleCompanion(
        "libsasl2.so",
        ("sasl2",),
        "sasl2",
        ("*.so",),
        "mechanisms of SASL",
        without="every login but simple ones: SCRAM, DIGEST-MD5, GSSAPI",
        closed="*/sasl2",
        lines=Lines(("ldap/__init__.py",), (Variable("SASL_PATH"),), (Call("libsasl2.so.2", "sasl_client_init"),)),
    ),
    ModuleCompanion(
        "libmagic.so",
        ("/usr/lib/file", "/usr/share/misc"),
        "file",
        ("magic.mgc",),
        "the database of libmagic",
        without="telling any kind of file",
        lines=Lines(("magic/__init__.py",), (Variable("MAGIC", "magic.mgc"),), ()),
    ),
    *(
        line
        for version in (6, 7)
        for line in (
            ModuleCompanion(
                f"libMagickCore-{version}*",
                ("*/modules-*/coders",),
                f"ImageMagick-{version}/coders",
                ("*.so", "*.la"),
                f"coders of ImageMagick {version}",
                without="every format of images",
                choice=Choice.LIBTOOL,
                closed="*/coders",
                # It looks for a coder when a format is first asked for, so all of them are loaded at once: 40 ms.
                lines=Lines(
                    ("wand/api.py",),
                    (Variable("MAGICK_CODER_MODULE_PATH", is_list=True),),
                    (_START_MAGICK, _magick_list("Magick")),
                ),
            ),
            ModuleCompanion(
                f"libMagickCore-{version}*",
                ("*/config-*", f"/usr/share/ImageMagick-{version}", f"/etc/ImageMagick-{version}"),
                f"ImageMagick-{version}/config",
                _MAGICK_FILES,
                f"configuration of ImageMagick {version}",
                without="the limits and rights of its policy, messages in words, programs for further formats",
                lines=Lines(
                    ("wand/api.py",),
                    (Variable("MAGICK_CONFIGURE_PATH", is_list=True),),
                    (_START_MAGICK, *map(_magick_list, _MAGICK_LISTS)),
                ),
            ),
        )
    ),
    ModuleCompanion(
        "libheif.so",
        ("libheif/plugins",),
        "libheif/plugins",
        ("*.so",),
        "decoders and encoders of libheif, which ImageMagick's coder loads",
        without="HEIC and AVIF",
        lines=Lines(
            ("wand/api.py",), (Variable("LIBHEIF_PLUGIN_PATH", is_list=True),), (Call("", "heif_init", (None,)),)
        ),
    ),
    *(
        ModuleCompanion(
            "libgdal.so",
            (f"*/{folder}",),
            place,
            files,
            what,
            without=without,
            lines=Lines(
                tuple(f"{package}/__init__.py" for package in ("osgeo", "rasterio", "fiona", "pyogrio")),
                (),
                (Call("", "CPLSetConfigOption", (option.encode(), "."), instead=option),),
            ),
        )
        # The data lie where rasterio and fiona look, too: in `share` of `sys.prefix`.
        for folder, place, files, what, without, option in (
            (
                *("share/gdal", "/../share/gdal", ("*",), "the data of GDAL"),
                *("what drivers read: DXF, S-57, GML", "GDAL_DATA"),
            ),
            (
                *("gdalplugins", "gdalplugins", ("*.so", "drivers.ini"), "drivers of GDAL that are not built in"),
                *("these drivers", "GDAL_DRIVER_PATH"),
            ),
        )
    ),
)


def module_companions_of(library: str) -> Iterator[ModuleCompanion]:
    """The lines for a library of this file name."""
    return (line for line in MODULE_COMPANIONS if matches(library, line.library))
