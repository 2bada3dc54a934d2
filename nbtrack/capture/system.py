"""How busy the machine is: processors, memory, disk, network and GPUs, under MLflow's metric names.

Linux tells it in ``/proc``; elsewhere psutil does, where it is installed (extra ``system``), and
what nothing tells is left out. In a container with a memory limit, memory is that of the container.
Sizes are megabytes of 1,000,000 bytes. Rates are over the time since the probe's last sample.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_ON_LINUX = sys.platform.startswith("linux")
_MEGABYTE = 1_000_000
_GPU_TIMEOUT_S = 5.0
_GPU_FIELDS = "index,utilization.gpu,memory.used,memory.total,power.draw,power.limit"
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class _Counters:
    """Counters that only ever grow; a sample shows by how much."""

    busy: float  # processor time, in any unit
    total: float
    received_bytes: int
    sent_bytes: int


class SystemProbe:
    """Samples this machine; keeps the counters of the last sample, so use one probe for one series.

    Parameters
    ----------
    disk
        The folder whose disk is measured.
    """

    def __init__(self, disk: str | os.PathLike[str] = ".") -> None:
        self._disk = disk
        self._first = self._last = _counters()
        self._gpus = _gpu_reader()

    def sample(self) -> dict[str, float]:
        """Values now, by MLflow's names (``system/cpu_utilization_percentage`` ...); what can't be told is left out.

        Takes well under a millisecond; with GPUs, and without the package nvidia-ml-py, up to some
        hundred, so call it from a thread. The network's values count from the making of the probe.
        """
        values = {**self._rates(), **_memory(), **self._disk_use(), **self._gpus()}
        return {f"system/{name}": round(value, 3) for name, value in values.items()}

    def _rates(self) -> dict[str, float]:
        now = _counters()
        if now is None or self._last is None or self._first is None:
            return {}
        total = now.total - self._last.total
        busy = now.busy - self._last.busy
        self._last = now if total > 0 else self._last
        return {
            "cpu_utilization_percentage": min(100.0, max(0.0, 100 * busy / total)) if total > 0 else 0.0,
            "network_receive_megabytes": max(0, now.received_bytes - self._first.received_bytes) / _MEGABYTE,
            "network_transmit_megabytes": max(0, now.sent_bytes - self._first.sent_bytes) / _MEGABYTE,
        }

    def _disk_use(self) -> dict[str, float]:
        try:
            disk = shutil.disk_usage(self._disk)
        except OSError:  # the folder was deleted, or its disk is gone
            return {}
        return {
            "disk_usage_percentage": 100 * disk.used / disk.total if disk.total else 0.0,
            "disk_usage_megabytes": disk.used / _MEGABYTE,
            "disk_available_megabytes": disk.free / _MEGABYTE,
        }


def _counters() -> _Counters | None:
    if _ON_LINUX:
        with contextlib.suppress(OSError, ValueError, IndexError):  # a sandbox may hide /proc; psutil would not see more
            return _linux_counters()
        return None
    psutil = _module("psutil")
    if psutil is None:
        return None
    times, network = psutil.cpu_times(), psutil.net_io_counters()
    total = float(sum(times))
    return _Counters(total - times.idle, total, network.bytes_recv if network else 0, network.bytes_sent if network else 0)


def _linux_counters() -> _Counters:
    line = (_PROC / "stat").read_text("ascii").partition("\n")[0].split()
    # user nice system idle iowait irq softirq steal; the guests' time that follows is in user and nice already.
    times = [int(value) for value in line[1:9]]
    received = sent = 0
    for row in (_PROC / "net/dev").read_text("ascii").splitlines()[2:]:
        name, _, numbers = row.partition(":")
        if name.strip() != "lo":
            fields = numbers.split()
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return _Counters(sum(times) - times[3] - times[4], sum(times), received, sent)


def _memory() -> dict[str, float]:
    found = _linux_memory() if _ON_LINUX else _psutil_memory()
    if found is None or not found[1]:
        return {}
    used, total = found
    return {"system_memory_usage_megabytes": used / _MEGABYTE, "system_memory_usage_percentage": 100 * used / total}


def _linux_memory() -> tuple[int, int] | None:
    """Used and total bytes: of the container if it has a limit, else of the machine."""
    try:
        rows = (row.partition(":") for row in (_PROC / "meminfo").read_text("ascii").splitlines())
        sizes = {name: int(value.split()[0]) * 1024 for name, _, value in rows}
        total, available = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        return None
    return _container_memory(total) or (total - available, total)


def _container_memory(machine_total: int) -> tuple[int, int] | None:
    for used, limit in (("memory.current", "memory.max"), ("memory/memory.usage_in_bytes", "memory/memory.limit_in_bytes")):
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            total = int((_CGROUP / limit).read_text("ascii"))
            if total < machine_total:
                return int((_CGROUP / used).read_text("ascii")), total
    return None


def _psutil_memory() -> tuple[int, int] | None:
    psutil = _module("psutil")
    if psutil is None:
        return None
    memory = psutil.virtual_memory()
    return memory.total - memory.available, memory.total


class _NoGpu:
    def __call__(self) -> dict[str, float]:
        return {}


class _NvmlGpu:
    """NVIDIA's library, through the package nvidia-ml-py."""

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml = nvml
        nvml.nvmlInit()
        self._handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]

    def __call__(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for index, handle in enumerate(self._handles):
            nvml = self._nvml
            # A device may not tell one of them (a part of a shared GPU has no utilization), and still the others.
            with contextlib.suppress(nvml.NVMLError):
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
                values.update(_gpu_memory(index, memory.used, memory.total))
            with contextlib.suppress(nvml.NVMLError):
                values[f"gpu_{index}_utilization_percentage"] = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            with contextlib.suppress(nvml.NVMLError):
                power, limit = nvml.nvmlDeviceGetPowerUsage(handle) / 1000, nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
                values.update(_gpu_power(index, power, limit))
        return values


class _SmiGpu:
    """The command ``nvidia-smi``, which every driver brings."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __call__(self) -> dict[str, float]:
        arguments = [self._command, f"--query-gpu={_GPU_FIELDS}", "--format=csv,noheader,nounits"]
        try:
            output = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_GPU_TIMEOUT_S, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return {}
        return parse_gpu_table(output)


def parse_gpu_table(output: str) -> dict[str, float]:
    """The rows of ``nvidia-smi`` as values; ``[N/A]`` and the like are left out."""
    values: dict[str, float] = {}
    for row in output.splitlines():
        cells = [_number(cell) for cell in row.split(",")]
        if len(cells) != len(_GPU_FIELDS.split(",")) or cells[0] is None:
            continue
        index, (_, busy, used, total, power, limit) = int(cells[0]), cells
        if busy is not None:
            values[f"gpu_{index}_utilization_percentage"] = busy
        if used is not None and total:
            values.update(_gpu_memory(index, used * _MEBIBYTE, total * _MEBIBYTE))
        if power is not None and limit:
            values.update(_gpu_power(index, power, limit))
    return values


def _gpu_memory(index: int, used: float, total: float) -> dict[str, float]:
    share = 100 * used / total if total else 0.0
    return {f"gpu_{index}_memory_usage_megabytes": used / _MEGABYTE, f"gpu_{index}_memory_usage_percentage": share}


def _gpu_power(index: int, watts: float, limit: float) -> dict[str, float]:
    return {f"gpu_{index}_power_usage_watts": watts, f"gpu_{index}_power_usage_percentage": 100 * watts / limit if limit else 0.0}


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _gpu_reader() -> _NvmlGpu | _SmiGpu | _NoGpu:
    nvml = _module("pynvml")
    if nvml is not None:
        with contextlib.suppress(nvml.NVMLError):  # installed, but there is no driver
            return _NvmlGpu(nvml)
    command = shutil.which("nvidia-smi")
    return _SmiGpu(command) if command else _NoGpu()


@functools.lru_cache(maxsize=4)
def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
