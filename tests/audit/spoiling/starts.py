"""Ways to spoil a bundle: what Python and installers read before anybody asks, and modules that win over others."""

from __future__ import annotations

import struct

from bundler.faults import FaultKind
from tests.audit.spoiling.way import Spoiled, way

ADDED, CONFIGURATION = FaultKind.ADDED, FaultKind.CONFIGURATION
CODE = b"import os\n"


@way("zip-landmark-gone", FaultKind.CONTENT, "{zip}", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.remove(bundle.zip)


@way("zip-with-modules", FaultKind.CONTENT, "{zip}", "bytes instead of")
def _(bundle: Spoiled) -> None:
    bundle.write(bundle.zip, b"PK\5\6" + bytes(18))


@way("cfg-home", CONFIGURATION, "pyvenv.cfg", "names a home: /usr/bin")
def _(bundle: Spoiled) -> None:
    bundle.write("pyvenv.cfg", b"home = /usr/bin\n" + bundle.read("pyvenv.cfg"))
    bundle.accept("pyvenv.cfg")


@way("cfg-system-site", CONFIGURATION, "pyvenv.cfg", "include-system-site-packages")
def _(bundle: Spoiled) -> None:
    bundle.write("pyvenv.cfg", bundle.read("pyvenv.cfg").replace(b"= false", b"= true"))
    bundle.accept("pyvenv.cfg")


@way("cfg-gone", CONFIGURATION, "pyvenv.cfg", "is no file")
def _(bundle: Spoiled) -> None:
    bundle.remove("pyvenv.cfg")
    bundle.accept("pyvenv.cfg")


@way("cfg-beside-python", CONFIGURATION, "bin/pyvenv.cfg", "the configuration of its environment")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/pyvenv.cfg", b"home = /usr/bin\n")


@way("pth-beside-python", CONFIGURATION, "{python}._pth", "sys.path")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.python}._pth", b"/opt/lib\n")


@way("pth-beside-python-in-step", CONFIGURATION, "bin/python._pth", "sys.path")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/python._pth", b"/opt/lib\n")
    bundle.accept("bin/python._pth")


@way("build-folder-mark", CONFIGURATION, "bin/pybuilddir.txt", "not installed yet")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/pybuilddir.txt", b"build\n")
    bundle.accept("bin/pybuilddir.txt")


@way("pth-out-absolute", ADDED, "{site}/more.pth", "puts /opt/lib on sys.path")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/more.pth", b"/opt/lib\n")


@way("pth-out-relative", CONFIGURATION, "{site}/more.pth", "on sys.path")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/more.pth", b"../../../../../opt\n")
    bundle.accept(f"{bundle.site}/more.pth")


@way("pth-code", ADDED, "{site}/more.pth", "run by Python at each start")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/more.pth", CODE)


@way("pth-editable-in-step", CONFIGURATION, "{site}/__editable__.x.pth", "import hook of an editable install")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/__editable__.x.pth", b"import __editable___x_finder\n")
    bundle.write(f"{bundle.site}/__editable___x_finder.py", CODE)
    bundle.accept(f"{bundle.site}/__editable__.x.pth", f"{bundle.site}/__editable___x_finder.py")


@way("egg-link", ADDED, "{site}/easy-install.pth", "puts /builder/project on sys.path")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/project.egg-link", b"/builder/project\n.\n")
    bundle.write(f"{bundle.site}/easy-install.pth", b"/builder/project\n")


@way("start-file", ADDED, "{site}/more.start", "run by Python at each start")
def _(bundle: Spoiled) -> None:
    def of_315(manifest: dict[str, dict[str, str]]) -> None:
        manifest["python"]["version"] = "3.15.0"

    bundle.write(f"{bundle.site}/more.start", b"os:getcwd\n")
    bundle.edit(of_315)


@way("sitecustomize", ADDED, "{site}/sitecustomize.py", "runs it at each start")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/sitecustomize.py", CODE)


@way("usercustomize", ADDED, "{stdlib}/usercustomize.py", "runs it at each start")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/usercustomize.py", CODE)


@way("sitecustomize-package", ADDED, "{site}/sitecustomize/__init__.py", "runs it at each start")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/sitecustomize/__init__.py", CODE)


@way("sitecustomize-compiled", ADDED, "{dynload}/sitecustomize.pyc", "runs it at each start")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.dynload}/sitecustomize.pyc", bytes(16))


@way("pip-conf", ADDED, "pip.conf", "pip does what it says")
def _(bundle: Spoiled) -> None:
    bundle.write("pip.conf", b"[global]\nno-index = true\n")


@way("distutils-cfg", ADDED, "{site}/setuptools/_distutils/distutils.cfg", "setuptools does what it says")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/setuptools/_distutils/distutils.cfg", b"[install]\nprefix = /opt\n")


@way("externally-managed", ADDED, "{stdlib}/EXTERNALLY-MANAGED", "installers refuse")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/EXTERNALLY-MANAGED", b"[externally-managed]\n")


@way("package-over-module", ADDED, "{stdlib}/random/__init__.py", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/random/__init__.py", CODE)


@way("extension-over-module", ADDED, "{stdlib}/random{suffix}", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/random{bundle.suffix}", bundle.read(bundle.extension("zlib")))


@way("stdlib-over-package", ADDED, "{stdlib}/stall.py", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/stall.py", CODE)


@way("pyc-over-package", ADDED, "{stdlib}/stall.pyc", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/stall.pyc", bytes(16))


@way("dynload-over-package", ADDED, "{dynload}/stall{suffix}", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.dynload}/stall{bundle.suffix}", bundle.read(bundle.extension("zlib")))


@way("stdlib-in-record", ADDED, "{stdlib}/random/__init__.py", "to the standard library")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.stdlib}/random/__init__.py", CODE)
    bundle.write(f"{bundle.site}/evil-1.dist-info/RECORD", b"../random/__init__.py,,\n")


@way("package-over-package-module", ADDED, "{site}/plain/__init__.py", "in place of {site}/plain.py")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/plain/__init__.py", CODE)


@way("extension-in-a-package", ADDED, "{site}/stall/trade{suffix}", "in place of {site}/stall/trade.py")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/stall/trade{bundle.suffix}", bundle.read(bundle.extension("zlib")))


@way("module-beside-scripts", ADDED, "bin/random.py", "scripts import it in place of {stdlib}/random.py")
def _(bundle: Spoiled) -> None:
    bundle.write("bin/random.py", CODE)


@way("pyc-other-code-unchecked", ADDED, "{site}/stall/__pycache__/trade.{tag}.pyc", "without a look at")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/stall/__pycache__/trade.{bundle.tag}.pyc", struct.pack("<II8x", 0x0A0D0DA7, 1))


@way("pyc-stale", FaultKind.CONTENT, "{site}/stall/__pycache__/trade.{tag}.pyc", "has other content by now")
def _(bundle: Spoiled) -> None:
    pyc = f"{bundle.site}/stall/__pycache__/trade.{bundle.tag}.pyc"
    bundle.write(pyc, struct.pack("<II8x", 0x0A0D0DA7, 1))
    bundle.accept(pyc)
    bundle.write(f"{bundle.site}/stall/trade.py", b"NEW = 1\n")


@way("pyc-listed-cut", FaultKind.CONTENT, "{site}/plain.pyc", "bytes instead of")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/plain.pyc", bytes(64))
    bundle.accept(f"{bundle.site}/plain.pyc")
    bundle.write(f"{bundle.site}/plain.pyc", bytes(16))
