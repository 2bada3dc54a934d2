from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbtrack.capture import process
from nbtrack.capture.process import ancestor_pids, is_alive, process_identity

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def child_identity(code: str = "pass") -> tuple[subprocess.Popen[str], process.Process]:
    script = (
        "import sys; from nbtrack.capture.process import process_identity as p; i = p();"
        f"print(i.pid, i.host, i.boot_id, i.start_ticks, flush=True); {code}; sys.stdin.read()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid, host, boot, ticks = child.stdout.readline().split()
    return child, process.Process(int(pid), host, boot, int(ticks))


def test_this_process_is_alive_and_its_identity_is_read_once():
    own = process_identity()
    assert own.pid == os.getpid()
    assert own.boot_id
    assert own.start_ticks > 0
    assert own is process_identity()
    assert is_alive(own) is True


def test_a_child_is_alive_until_it_is_killed_even_while_it_is_a_zombie():
    child, identity = child_identity()
    assert identity.boot_id == process_identity().boot_id
    assert is_alive(identity) is True
    child.kill()
    deadline = time.monotonic() + 10
    while is_alive(identity) and time.monotonic() < deadline:  # not waited for: a zombie by now
        time.sleep(0.01)
    assert is_alive(identity) is False
    child.communicate()
    assert is_alive(identity) is False


def test_a_process_id_that_was_used_again_is_another_process():
    own = process_identity()
    assert is_alive(dataclasses.replace(own, start_ticks=own.start_ticks - 5)) is False
    parent = dataclasses.replace(own, pid=os.getppid(), start_ticks=1)
    assert is_alive(parent) is False
    assert is_alive(dataclasses.replace(parent, start_ticks=0)) is True


def test_another_host_or_container_cannot_be_told_and_a_reboot_can():
    own = process_identity()
    assert is_alive(dataclasses.replace(own, host="elsewhere")) is None
    boot, _, numbering = own.boot_id.partition("/")
    assert is_alive(dataclasses.replace(own, boot_id=f"0000-{boot}/{numbering}")) is False
    assert is_alive(dataclasses.replace(own, boot_id=f"{boot}/pid:[1]")) is None


@linux
def test_a_fork_has_its_own_identity():
    read, write = os.pipe()
    own = process_identity()
    pid = os.fork()
    if pid == 0:
        os.write(write, f"{process_identity().pid} {is_alive(own)}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100).decode() == f"{pid} True"
    os.close(read)
    os.close(write)


def test_ancestors_go_from_the_parent_upwards():
    child, identity = child_identity("from nbtrack.capture.process import ancestor_pids; print(*ancestor_pids(), flush=True)")
    assert child.stdout is not None
    line = child.stdout.readline()
    child.communicate()
    assert [int(pid) for pid in line.split()] == [os.getpid(), *ancestor_pids()]
    assert identity.pid not in ancestor_pids()


@linux
def test_a_process_name_with_spaces_and_parentheses_is_read_right(tmp_path: Path):
    tool = tmp_path / "a) S 1 (b"
    tool.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(tool), "30"])
    try:
        assert process._parent(child.pid) == os.getpid()
    finally:
        child.kill()
        child.wait()
