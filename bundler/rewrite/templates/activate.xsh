# Source this file in xonsh: `source bin/activate.xsh`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python $VIRTUAL_ENV PACKAGE


def _bundle_activate(file):
    """Put the bundle that the file lies in before all others, and define `deactivate`."""
    import os

    if "deactivate" in aliases:
        ![deactivate]
    names = ("PATH", "PYTHONHOME", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT")
    before = {name: __xonsh__.env[name] for name in names if name in __xonsh__.env}
    before["PATH"] = list(before["PATH"])
    root = os.path.dirname(os.path.dirname(os.path.realpath(file)))

    def deactivate(args):
        """Take everything back."""
        for name in names:
            if name in before:
                __xonsh__.env[name] = before[name]
            elif name in __xonsh__.env:
                del __xonsh__.env[name]
        del aliases["deactivate"]

    prompt = os.path.basename(root)
    with open(os.path.join(root, "pyvenv.cfg"), encoding="utf-8", errors="surrogateescape") as config:
        for line in config:
            if line.startswith("prompt = "):
                prompt = line[9:].strip()
    $VIRTUAL_ENV = root
    $VIRTUAL_ENV_PROMPT = prompt
    $PATH.insert(0, os.path.join(root, "bin"))
    if "PYTHONHOME" in __xonsh__.env:
        del $PYTHONHOME
    aliases["deactivate"] = deactivate


_bundle_activate(__file__)
del _bundle_activate
