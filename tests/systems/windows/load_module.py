"""Runs under Windows: imports a module as Python does, and says where the DLLs are that its process has."""

import ctypes
import importlib.machinery
import importlib.util
import json
import os
import sys

asked = json.loads(sys.argv[1])
kernel32 = ctypes.WinDLL("kernel32")
kernel32.GetModuleHandleW.restype = ctypes.c_void_p
kernel32.GetModuleFileNameW.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint)
os.environ["PATH"] = os.pathsep.join([*asked["path"], os.environ["PATH"]])
kept = [os.add_dll_directory(folder) for folder in asked["added"]]
kept += [ctypes.WinDLL(path) for path in asked["before"]]
try:
    name = os.path.basename(asked["open"]).partition(".")[0]
    loader = importlib.machinery.ExtensionFileLoader(name, asked["open"])
    importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, asked["open"], loader=loader))
except ImportError:
    pass  # without code it is no module, but loaded; where a DLL is lacking it is not
for name in asked["plainly"]:
    kernel32.LoadLibraryW(name)


def place_of(name):
    handle = kernel32.GetModuleHandleW(name)
    buffer = ctypes.create_unicode_buffer(1000)
    return buffer.value if handle and kernel32.GetModuleFileNameW(handle, buffer, 1000) else None


print(json.dumps({name: place_of(name) for name in asked["names"]}))
