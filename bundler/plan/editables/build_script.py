"""Run by a Python (3.8 or later) in the copy of a project: call its build back end (PEP 517) and print the wheel's name.

Arguments: the back end (`module:object`), the folder for the wheel, `online` or `offline`, `requires` or `wheel`, then the
folders of `backend-path`. What the back end prints goes to standard error. The last line of standard output is one JSON value.
Status 3: the back end cannot be imported.
"""

import ctypes
import importlib
import json
import os
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


def cut_network():
    """Leave the network, where the kernel allows it: a namespace of its own, and for other users than root a user's, too."""
    if os.name != "posix":
        return
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNET) == 0:
        return
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def main():
    """Do what the arguments say."""
    back_end, folder, network, question, *places = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if network == "offline":
        cut_network()
    sys.path[:1] = [os.path.abspath(place) for place in places]
    module, _, attribute = back_end.partition(":")
    try:
        hooks = importlib.import_module(module)
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    for name in attribute.split(".") if attribute else ():
        hooks = getattr(hooks, name)
    if question == "requires":
        ask = getattr(hooks, "get_requires_for_build_wheel", None)
        answer = ask() if ask else []
    else:
        answer = hooks.build_wheel(folder)
    answers.write(json.dumps(answer) + "\n")
    answers.close()


if __name__ == "__main__":
    main()
