"""Run by a Python under audit (CPython 3.8 or later): which DLLs its process has. It stands by itself."""

import os


def mapped_libraries():
    """Paths of the DLLs and extension modules that the process has but for the system's own; None where it cannot be asked."""
    try:
        import ctypes
        from ctypes import wintypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
        kernel.K32EnumProcessModules.argtypes = [
            wintypes.HANDLE,
            ctypes.POINTER(wintypes.HMODULE),
            wintypes.DWORD,
            ctypes.POINTER(wintypes.DWORD),
        ]
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.GetModuleFileNameW.argtypes = [wintypes.HMODULE, wintypes.LPWSTR, wintypes.DWORD]
        handles = (wintypes.HMODULE * 4096)()
        needed = wintypes.DWORD()
        process = kernel.GetCurrentProcess()
        if not kernel.K32EnumProcessModules(process, handles, ctypes.sizeof(handles), ctypes.byref(needed)):
            return None
    except (ImportError, OSError, AttributeError):
        return None
    found = set()
    buffer = ctypes.create_unicode_buffer(32768)
    for handle in handles[: needed.value // ctypes.sizeof(wintypes.HMODULE)]:
        if kernel.GetModuleFileNameW(handle, buffer, len(buffer)):
            found.add(buffer.value)
    system = os.environ.get("SYSTEMROOT", "C:\\Windows").lower() + "\\"
    ours = (path for path in found if not path.lower().startswith(system) and not path.lower().endswith(".exe"))
    return {os.path.realpath(path) for path in ours}  # the process has them as they were asked for, in any case
