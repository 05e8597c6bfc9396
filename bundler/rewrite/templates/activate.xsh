# Source this file in xonsh: `source @SCRIPTS@/activate.xsh`. `deactivate` takes everything back.
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
    config = os.path.join(root, "pyvenv.cfg")
    if os.path.exists(config):
        with open(config, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                if line.startswith("prompt = "):
                    prompt = line[9:].strip()
    $VIRTUAL_ENV = root
    $VIRTUAL_ENV_PROMPT = prompt
    for folder in reversed([@FOLDERS@]):
        $PATH.insert(0, os.path.normpath(os.path.join(root, folder)))
    if "PYTHONHOME" in __xonsh__.env:
        del $PYTHONHOME
    aliases["deactivate"] = deactivate


_bundle_activate(__file__)
del _bundle_activate
