"""Which process works on a run, and whether it still lives.

A process id alone says little: ids are used again, after a reboot and in every container. So a
process is told by its id, its host, the boot (with the container's own numbering of processes) and
the moment it started. Linux tells all of it in ``/proc``; elsewhere psutil does, where it is
installed, and without it some questions stay open (None) rather than being guessed.
"""

from __future__ import annotations

import functools
import importlib
import os
import platform
import sys
from pathlib import Path
from types import ModuleType

from nbtrack.entities import Process

_PROC = Path("/proc")
_ON_LINUX = sys.platform.startswith("linux")
_MAX_ANCESTORS = 64


def process_identity() -> Process:
    """This process. Read once; a fork reads its own."""
    return _identity(os.getpid())


@functools.lru_cache(maxsize=4)
def _identity(pid: int) -> Process:
    return Process(pid=pid, host=platform.node(), boot_id=boot_id(), start_ticks=_start_ticks(pid) or 0)


def is_alive(process: Process) -> bool | None:
    """True or False where it can be told; None for another host or container, or where nothing tells.

    A zombie (ended, but not yet collected by its parent) is not alive.
    """
    own = process_identity()
    if process.host != own.host:
        return None
    boot, _, numbering = process.boot_id.partition("/")
    own_boot, _, own_numbering = own.boot_id.partition("/")
    if boot and own_boot and boot != own_boot:
        return False  # rebooted since
    if numbering != own_numbering:
        return None  # another container of this machine: its process ids mean nothing here
    if process.pid == own.pid:
        return process.start_ticks in (0, own.start_ticks)
    if not _exists(process.pid):
        return None if _unknowable() else False
    started = _start_ticks(process.pid)
    if started is None:
        return False  # it ended between the two looks, or is a zombie
    return started == process.start_ticks or 0 in (started, process.start_ticks)


def ancestor_pids() -> list[int]:
    """The parent's process id, its parent's, and so on; the parent's alone where no more can be told."""
    pids: list[int] = []
    pid = os.getppid()
    while pid > 0 and pid not in pids and len(pids) < _MAX_ANCESTORS:
        pids.append(pid)
        pid = _parent(pid)
    return pids


@functools.lru_cache(maxsize=1)
def boot_id() -> str:
    """What tells this boot of this machine from others, then ``/`` and the numbering of processes; ``""`` if unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink().name}"
    except OSError:
        psutil = _psutil()
        # psutil computes the moment of the boot from the clock, which is corrected now and then.
        return f"boot-{round(psutil.boot_time() / 60)}" if psutil else ""


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` from the third (state) on; the second may hold spaces and parentheses."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text[text.rindex(")") + 1 :].split()


def _start_ticks(pid: int) -> int | None:
    """When a process started, as the system counts; 0 if it does not say; None if there is no such process or it has ended."""
    if _ON_LINUX:
        fields = _stat_fields(pid)
        return None if fields is None or fields[0] in "ZX" else int(fields[19])
    psutil = _psutil()
    if psutil is None:
        return 0
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else round(found.create_time() * 100)
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0


def _exists(pid: int) -> bool:
    if _ON_LINUX:
        return _stat_fields(pid) is not None
    psutil = _psutil()
    if psutil is not None:
        return bool(psutil.pid_exists(pid))
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _unknowable() -> bool:
    """True where the absence of a process cannot be told: on Windows without psutil, where ``os.kill(pid, 0)`` would end it."""
    return os.name != "posix" and _psutil() is None


def _parent(pid: int) -> int:
    """The parent's id; 0 at the top, or where it can't be told."""
    if _ON_LINUX:
        fields = _stat_fields(pid)
        return int(fields[1]) if fields else 0
    psutil = _psutil()
    if psutil is None:
        return 0
    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return 0


@functools.lru_cache(maxsize=1)
def _psutil() -> ModuleType | None:
    try:
        return importlib.import_module("psutil")
    except ImportError:
        return None
