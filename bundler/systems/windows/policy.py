"""Which DLLs stay with Windows, and which of Microsoft's come along: tables, with a reason on each line.

Names are file names without `.dll`, in small letters. Sources: reference/pe.md 3.1; Microsoft's documentation ("Windows API sets",
"Universal CRT deployment", "Dynamic-link library search order", "Visual C++ Redistributable"); what real wheels import.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

from bundler.binaries.pe.edits import folded


class HostReason(enum.Enum):
    """Why a DLL stays with Windows."""

    API_SET = "is no file: Windows knows what is behind the name"
    KNOWN = "is known to Windows, which takes its own, whatever lies beside the program"
    WINDOWS = "is a part of Windows"
    OPTIONAL = "is a part of most editions of Windows"
    DRIVER = "belongs to a driver, or leads to one"


@dataclass(frozen=True, slots=True)
class SystemDlls:
    """One line of the policy: DLLs of one subject, and why they stay with Windows."""

    names: frozenset[str]
    reason: HostReason
    asks: str = ""
    """What has them, where a target may lack them."""


def _line(names: str, reason: HostReason, asks: str = "") -> SystemDlls:
    return SystemDlls(frozenset(names.split()), reason, asks)


_KNOWN, _WINDOWS, _OPTIONAL, _DRIVER = HostReason.KNOWN, HostReason.WINDOWS, HostReason.OPTIONAL, HostReason.DRIVER

API_SETS = ("api-ms-win-", "ext-ms-win-", "ext-ms-onecore-")

SYSTEM_DLLS: tuple[SystemDlls, ...] = (
    # KnownDLLs of Windows 10 (HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\KnownDLLs), with what these need themselves.
    _line("ntdll kernel32 kernelbase bcryptprimitives", _KNOWN),  # the kernel's own side
    _line(
        "ucrtbase", _KNOWN
    ),  # the C runtime, a part of Windows since 10: an application's own copy is passed over there
    _line("msvcrt msvcp_win", _KNOWN),  # the C and C++ runtimes of Windows' own parts, no compiler's any more
    _line("advapi32 sechost psapi", _KNOWN),  # registry, services, processes
    _line("user32 win32u gdi32 gdi32full gdiplus imm32 msctf comdlg32", _KNOWN),  # windows and what is drawn in them
    _line("shell32 shlwapi shcore", _KNOWN),  # the shell
    _line("ole32 oleaut32 combase coml2 clbcatq rpcrt4", _KNOWN),  # COM
    _line("ws2_32 nsi wldap32 normaliz", _KNOWN),  # sockets
    _line("setupapi cfgmgr32 difxapi imagehlp", _KNOWN),  # devices, images of programs
    # Beside these a program's own copy would win: wheels do not bring any but those that are told below.
    _line(
        "crypt32 cryptbase cryptui bcrypt ncrypt wintrust secur32 sspicli security schannel", _WINDOWS
    ),  # cryptography
    _line(
        "credui authz aclui netapi32 netutils samcli srvcli wkscli logoncli dsrole ntdsapi activeds adsldpc", _WINDOWS
    ),
    _line("wsock32 mswsock iphlpapi dnsapi winhttp wininet urlmon webservices websocket httpapi", _WINDOWS),  # networks
    _line("dhcpcsvc dhcpcsvc6 rasapi32 rasdlg mpr fwpuclnt icmp snmpapi wsnmp32 mgmtapi netprofm", _WINDOWS),
    _line(
        "comctl32 uxtheme dwmapi msimg32 usp10 oleacc uiautomationcore oledlg propsys explorerframe", _WINDOWS
    ),  # windows
    _line("winspool.drv compstui prntvpt xpsprint opcservices", _WINDOWS),  # printers
    _line(
        "dwrite d2d1 windowscodecs windowscodecsext mscms icm32 t2embed fontsub", _WINDOWS
    ),  # text, pictures, colours
    _line(
        "opengl32 glu32 ddraw d3d8 d3d9 d3d10 d3d10_1 d3d10core d3d11 d3d12 dxgi dxva2 dcomp", _WINDOWS
    ),  # leads to drivers
    _line("d3dcompiler_47", _WINDOWS),  # a part since 8.1; the numbered ones before were not
    _line("winmm dsound msacm32 avrt ksuser mmdevapi avicap32 avifil32 msvfw32 quartz", _WINDOWS),  # sound and video
    _line("dinput dinput8 xinput1_4 xinput9_1_0 hid", _WINDOWS),  # keys and sticks
    _line("xaudio2_8 xaudio2_9", _WINDOWS),
    _line(
        "userenv profapi wtsapi32 winsta powrprof pdh loadperf wevtapi tdh version lz32 cabinet", _WINDOWS
    ),  # administration
    _line(
        "dbghelp dbgeng dbgcore wer faultrep", _WINDOWS
    ),  # debugging; a copy beside the program may be newer, and wins
    _line("ktmw32 clfsw32 fltlib vssapi virtdisk sfc sfc_os esent query srclient rstrtmgr", _WINDOWS),  # files
    _line(
        "taskschd mstask wbemprox wbemuuid msi msdelta mspatcha wuapi newdev", _WINDOWS
    ),  # what is installed, and when
    _line("odbc32 odbccp32 oledb32 msdart xolehlp", _WINDOWS),  # the manager of ODBC, whose drivers are others'
    _line("msxml3 msxml6 xmllite mlang msls31 riched20 msftedit mshtml ieframe", _WINDOWS),
    _line("mscoree", _WINDOWS),  # starts .NET Framework, which 10 and later have
    _line("winscard winusb wiaservc sti bluetoothapis bthprops.cpl tbs", _WINDOWS),  # devices
    _line("dciman32 mapi32 sensapi tapi32 slc sppc wsdapi imgutil url hlink", _WINDOWS),
    _line("icuuc icuin icu", _WINDOWS),  # since 10 (1703)
    _line("ninput directmanipulation uianimation twinapi wintypes threadpoolwinrt", _WINDOWS),
    _line("ntoskrnl.exe hal", _WINDOWS),  # what drivers import
    _line(
        "mf mfplat mfreadwrite mfplay mfcore evr wmvcore wmasf",
        _OPTIONAL,
        "Media Foundation (N editions: Media Feature Pack)",
    ),
    _line("wlanapi", _OPTIONAL, "the wireless LAN service (a feature of Windows Server)"),
    _line("winbio", _OPTIONAL, "the biometric framework"),
    # Installed with a driver, of the driver's own version.
    _line("vulkan-1", _DRIVER, "a driver for Vulkan"),
    _line("opencl", _DRIVER, "a driver for OpenCL"),
    _line("nvcuda nvml nvapi nvapi64 nvcuvid nvencodeapi nvencodeapi64 nvoptix", _DRIVER, "NVIDIA's driver"),
    _line("amdhip64 amdhip64_6 amdhip64_7 atiadlxx", _DRIVER, "AMD's driver"),
    _line("ze_loader ze_intel_gpu64", _DRIVER, "Intel's driver"),
)

# What Microsoft gives out for programs to take along, and a plain Windows lacks: the runtimes of its compilers.
REDISTRIBUTABLES = {
    "Microsoft Visual C++ 2015-2022 Redistributable": (
        "vcruntime140 vcruntime140_1 vcruntime140_threads"  # C's part beside the UCRT; python.org's Python brings the first two
        " msvcp140 msvcp140_1 msvcp140_2 msvcp140_atomic_wait msvcp140_codecvt_ids"  # C++
        " concrt140 vcamp140 vccorlib140 vcomp140"  # its kinds of parallelism, C++/CX, OpenMP
        " mfc140 mfc140u mfcm140 mfcm140u"  # windows in C++
    ),
    "Microsoft Visual C++ 2013 Redistributable": "msvcr120 msvcp120 vcomp120 vccorlib120 vcamp120 mfc120 mfc120u",
    "Microsoft Visual C++ 2012 Redistributable": "msvcr110 msvcp110 vcomp110 vccorlib110 vcamp110 mfc110 mfc110u atl110",
    "Microsoft Visual C++ 2010 Redistributable": "msvcr100 msvcp100 vcomp100 mfc100 mfc100u atl100",
}


@cache
def _by_name() -> dict[str, SystemDlls]:
    return {folded(name): line for line in SYSTEM_DLLS for name in line.names}


@cache
def _packages() -> dict[str, str]:
    return {folded(name): package for package, names in REDISTRIBUTABLES.items() for name in names.split()}


def stays_with_windows(name: str) -> HostReason | None:
    """Why the DLL of a name is Windows' own; None where it is not."""
    if folded(name).startswith(API_SETS):
        return HostReason.API_SET
    line = _by_name().get(folded(name))
    return line.reason if line is not None else None


def is_never_searched(name: str) -> bool:
    """Whether Windows takes its own DLL of that name before it looks into any folder."""
    return stays_with_windows(name) in (HostReason.API_SET, HostReason.KNOWN)


def redistributable(name: str) -> str | None:
    """The package of Microsoft's that has the DLL of a name, for programs to take along; None for any other DLL."""
    return _packages().get(folded(name))


def asks_of_target(name: str) -> str | None:
    """What a target needs for a DLL that stays with it; "" for no more than its name, None for what every Windows has."""
    reason = stays_with_windows(name)
    if reason is None:
        return redistributable(name) or ""
    line = _by_name().get(folded(name))
    return line.asks or None if line is not None else None
