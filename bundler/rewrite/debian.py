"""Debian's and Ubuntu's Pythons: packages in site-packages, as everywhere else.

Their `site`, `sysconfig` and `distutils` decide between dist-packages and site-packages by asking whether they run in a virtual
environment. A bundle has no distribution's packages to spare, so the answer is made yes for good. Each edit below replaces one
decision; a file that has the mark of the decision but not its known text is an error, not a guess.

Since 3.11 `site` is frozen into the interpreter, and its file is not read: it looks into `lib/pythonX.Y/dist-packages` whatever the
file says. There a `.pth` file, from 3.15 on a `.start` file, adds site-packages, `.pth` files and all.
"""

from __future__ import annotations

from dataclasses import dataclass

from bundler.errors import UnknownVariant
from bundler.rewrite import Rewritten
from bundler.rewrite.start import start_file
from bundler.rewrite.templates import read_template


@dataclass(frozen=True, slots=True)
class _Decision:
    """One decision in the file at a path in the standard library.

    `mark` tells that the file has the decision; `texts` are its known forms with what takes their place.
    """

    path: str
    mark: str
    texts: tuple[tuple[str, str], ...]


_IS_VENV = 'sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix")'
_SITE = (
    (f"    is_virtual_environment = {_IS_VENV}\n", "    is_virtual_environment = True\n"),  # 3.10 and later
    ("if 'VIRTUAL_ENV' in os.environ or sys.base_prefix != sys.prefix:\n", "if True:\n"),  # 3.9
)
_SYSCONFIG = (
    (
        f"    if {_IS_VENV}:\n        # virtual environments\n        prefix_scheme = 'posix_prefix'\n",
        "    if True:\n        prefix_scheme = 'posix_prefix'\n",
    ),
)
WHEELS_FOLDER = "/usr/share/python-wheels"
"""Where they keep the wheels that `ensurepip` installs."""
_WHEELS = "os.path.join(sys.base_prefix, 'share', 'python-wheels'"

_DECISIONS = (
    _Decision("site.py", "dist-packages", _SITE),
    _Decision("sysconfig.py", "'posix_local'", _SYSCONFIG),
    _Decision("sysconfig/__init__.py", "'posix_local'", _SYSCONFIG),
    _Decision(
        "_distutils_system_mod.py",
        "def is_virtual_environment",
        (
            (
                f"def is_virtual_environment():\n    return {_IS_VENV}\n",
                "def is_virtual_environment():\n    return True\n",
            ),
        ),
    ),
    _Decision(
        "distutils/command/install.py",
        'self.select_scheme("unix_local")',
        (
            ("                  or sys.base_prefix != sys.prefix\n", "                  or True\n"),  # 3.9
            (
                "or is_virtual_environment()):\n",
                "or is_virtual_environment()):\n",
            ),  # 3.10, 3.11: asks distutils.sysconfig
        ),
    ),
    _Decision(
        "distutils/sysconfig.py",
        '"dist-packages")',
        (
            (
                'return os.path.join(prefix, "lib", "python3", "dist-packages")\n',
                'return os.path.join(libpython, "site-packages")  # not dist-packages\n',
            ),
        ),
    ),
    _Decision(
        "distutils/sysconfig.py",
        "def is_virtual_environment",
        (
            (
                f"def is_virtual_environment():\n    return {_IS_VENV}\n",
                "def is_virtual_environment():\n    return True\n",
            ),
        ),
    ),
    _Decision(
        "ensurepip/__init__.py",
        "def _ensurepip_is_disabled_in_debian_for_system",
        (
            (
                "def _ensurepip_is_disabled_in_debian_for_system():\n    # Detect",
                "def _ensurepip_is_disabled_in_debian_for_system():\n    return\n    # Detect",
            ),
        ),
    ),
    _Decision(  # 3.9 names the folder of its wheels; later versions ask sysconfig
        "ensurepip/__init__.py",
        "'/usr/share/python-wheels",
        (
            ("'/usr/share/python-wheels/{}-*.whl'.format(project)", f"{_WHEELS}, '{{}}-*.whl'.format(project))"),
            ("os.path.join('/usr/share/python-wheels', wheel_name)", f"{_WHEELS}, wheel_name)"),
            ("'/usr/share/python-wheels/pip-*.whl'", f"{_WHEELS}, 'pip-*.whl')"),
            ("'/usr/share/python-wheels/*.whl'", f"{_WHEELS}, '*.whl')"),
        ),
    ),
)


START_MODULE = "_bundler_dist_packages"
"""The module of the standard library that the `.start` file calls."""


def dist_packages_files(*, start: bool) -> dict[str, bytes]:
    """The files that lead from the one package folder that a frozen `site` looks into to site-packages.

    By their paths, counted from the standard library. `start` tells whether the version reads `.start` files.
    """
    if start:
        module = read_template("dist_packages_start").encode()
        return {"dist-packages/bundler.start": start_file(START_MODULE), f"{START_MODULE}.py": module}
    return {"dist-packages/bundler.pth": read_template("dist_packages.pth").encode()}


def rewrite_debian(path: str, data: bytes) -> Rewritten | None:
    """A module of the standard library (`path` relative to it) for a bundle; None where it holds no decision.

    Raises UnknownVariant where it holds one in a form that is not known.
    """
    text = data.decode("utf-8", "surrogateescape")
    new = text
    for decision in _DECISIONS:
        if decision.path == path and decision.mark in text:
            new = _decide(decision, new)
    if new == text:
        return None
    return Rewritten(new.encode("utf-8", "surrogateescape"), "packages in site-packages, not in Debian's dist-packages")


def _decide(decision: _Decision, text: str) -> str:
    done = False
    for known, replacement in decision.texts:
        if known in text:
            text = text.replace(known, replacement)
            done = True
        elif replacement in text:
            done = True
    if not done:
        raise UnknownVariant(
            f"this Debian Python's {decision.path} chooses its package folder in a way that bundler does not know",
            "report the version of the python3 package; an interpreter from elsewhere (uv, pyenv) can be packed meanwhile",
        )
    return text
