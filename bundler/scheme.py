"""The layout of a bundle: where it keeps what (a scheme, in the words of `sysconfig` and of installers)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundleScheme:
    """Bundle paths of what every bundle has. The system makes it; the plan and `bundle.json` carry it."""

    executable: str
    """The interpreter: a real file."""
    stdlib: str
    """The standard library."""
    dynload: str
    """The standard library's extension modules."""
    stdlib_zip: str
    """Where Python looks for a zip of its standard library; it is on `sys.path` whether it is there or not."""
    site_packages: str
    """The folder that `pip install` uses."""
    system_site: str
    """The folder below which packages of the base lie, each folder of them in one of its own."""
    include: str
    """The headers of Python itself."""
    scripts: str
    """The folder of scripts and of the interpreter's other names."""
    libraries: str
    """The folder of libpython."""
    bundled: str
    """The folder of shared libraries that came from the host."""
    share: str
    """The folder of data that does not depend on the machine."""
    libpython: tuple[str, ...] = ()
    """Where the library that holds Python may lie, the likeliest first."""

    @property
    def headers(self) -> str:
        """The folder at the top that headers lie below."""
        return self.include.partition("/")[0]

    @property
    def pkg_config(self) -> str:
        """The folder of Python's own pkg-config files."""
        return f"{self.libraries}/pkgconfig"

    @property
    def libc(self) -> str:
        """The folder of the loader and of libc's family, where they come along (Linux)."""
        return f"{self.libraries}/libc"

    def script(self, name: str) -> str:
        """The bundle path of a script."""
        return f"{self.scripts}/{name}"

    def is_script(self, path: str) -> bool:
        """Whether a bundle path lies in the folder of scripts, not below it."""
        return path.rpartition("/")[0] == self.scripts

    def is_libpython(self, path: str) -> bool:
        """Whether a bundle path is that of libpython, under any of its names, or of the stub for the stable ABI."""
        return path in self.libpython or path.startswith(f"{self.libraries}/libpython")

    def system_site_packages(self, number: int) -> str:
        """The bundle path of the base's package folder with a number; the first one is 1."""
        return f"{self.system_site}/{number}/site-packages"

    def is_package_folder(self, path: str) -> bool:
        """Whether a bundle path is a folder of packages: the one of `pip install`, that of the platform, or one of the base's."""
        folder, _, name = path.rpartition("/")
        if name != self.site_packages.rpartition("/")[2]:
            return False
        number = folder[len(self.system_site) + 1 :] if folder.startswith(self.system_site + "/") else ""
        return path == self.site_packages or folder == self.stdlib or number.isdecimal()

    def package_of(self, path: str) -> str | None:
        """The top folder (a bundle path) of the package that a file lies in; None for one that lies in no package's folder."""
        top = path.rpartition("/")[0]
        while top:
            folder = top.rpartition("/")[0]
            if self.is_package_folder(folder):
                return top
            top = folder
        return None
