from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from nbtrack.capture import system
from nbtrack.capture.system import SystemProbe, parse_gpu_table

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

NAMES = {
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
    "system/disk_usage_percentage",
    "system/disk_usage_megabytes",
    "system/disk_available_megabytes",
    "system/network_receive_megabytes",
    "system/network_transmit_megabytes",
}


def test_a_sample_has_the_names_of_mlflow_and_sensible_values():
    probe = SystemProbe()
    values = [probe.sample() for _ in range(3)][-1]
    assert set(values) >= NAMES
    assert all(isinstance(value, float) and value >= 0 for value in values.values())
    assert all(value <= 100 for name, value in values.items() if name.endswith("percentage"))


@linux
def test_proc_and_psutil_tell_the_same_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_CGROUP", Path("/nowhere"))
    ours, theirs = system._linux_memory(), system._psutil_memory()
    assert ours[1] == theirs[1] == psutil.virtual_memory().total
    assert ours[0] == pytest.approx(theirs[0], rel=0.2)


def test_without_proc_psutil_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_ON_LINUX", False)
    assert set(SystemProbe().sample()) >= NAMES


def test_without_proc_and_psutil_only_the_disk_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_ON_LINUX", False)
    monkeypatch.setattr(system, "_module", lambda name: None)
    assert {name for name in SystemProbe().sample() if "gpu" not in name} == {name for name in NAMES if "disk" in name}


def test_a_hidden_proc_and_a_lost_disk_give_no_values_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_PROC", tmp_path)
    monkeypatch.setattr(system, "_ON_LINUX", True)
    assert {name for name in SystemProbe(tmp_path / "gone").sample() if "gpu" not in name} == set()


def proc(folder: Path, cpu: str, received: int, sent: int) -> None:
    (folder / "net").mkdir(exist_ok=True)
    (folder / "stat").write_text(f"cpu  {cpu}\ncpu0 1 1 1\n")
    row = " 0 0 0 0 0 0 0 ".join
    (folder / "net/dev").write_text(f"head\nhead\n    lo: {row(['9', '9'])} 0 0 0 0 0 0 0\n  eth0: {row([str(received), str(sent)])} 0 0 0 0 0 0 0\n")
    (folder / "meminfo").write_text("MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    250 kB\n")


def test_rates_are_over_the_time_between_two_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_PROC", tmp_path)
    monkeypatch.setattr(system, "_CGROUP", tmp_path)
    monkeypatch.setattr(system, "_ON_LINUX", True)
    proc(tmp_path, "100 0 100 700 100 0 0 0 50 0", received=1_000_000, sent=0)
    probe = SystemProbe()
    proc(tmp_path, "130 0 100 760 110 0 0 0 80 0", received=3_500_000, sent=500_000)
    values = probe.sample()
    assert values["system/cpu_utilization_percentage"] == 30.0
    assert (values["system/network_receive_megabytes"], values["system/network_transmit_megabytes"]) == (2.5, 0.5)
    assert values["system/system_memory_usage_percentage"] == 75.0
    proc(tmp_path, "130 0 100 860 110 0 0 0 80 0", received=4_000_000, sent=500_000)
    assert probe.sample()["system/cpu_utilization_percentage"] == 0.0


def test_memory_is_the_containers_where_it_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "_CGROUP", tmp_path)
    (tmp_path / "memory.current").write_text("30\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert system._container_memory(1000) is None
    (tmp_path / "memory.max").write_text("100\n")
    assert system._container_memory(1000) == (30, 100)


def test_the_gpu_table_is_read_and_gaps_are_left_out():
    values = parse_gpu_table("0, 35, 1000, 4000, 70.5, 141\n1, [N/A], 0, 4000, [Not Supported], 300\nFailed to initialize\n")
    assert values == {
        "gpu_0_utilization_percentage": 35.0,
        "gpu_0_memory_usage_megabytes": 1048.576,
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_power_usage_watts": 70.5,
        "gpu_0_power_usage_percentage": 50.0,
        "gpu_1_memory_usage_megabytes": 0.0,
        "gpu_1_memory_usage_percentage": 0.0,
    }


def test_a_gpu_command_that_fails_gives_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\nexit 9\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(system, "_module", lambda name: None)
    assert not any("gpu" in name for name in SystemProbe().sample())
    command.write_text("#!/bin/sh\necho '0, 1, 2, 4, 5, 10'\n")
    assert SystemProbe().sample()["system/gpu_0_memory_usage_percentage"] == 50.0
