from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from nbtrack.errors import StoreBusy, StoreNotWritable
from nbtrack.store.filelock import file_lock

from .processes import run, start

posix = pytest.mark.skipif(sys.platform == "win32", reason="fork and signals")


def test_one_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", 0, 0
    counting = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with file_lock(path, purpose="count"):
                with counting:
                    inside += 1
                    most = max(most, inside)
                with counting:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_who_waits_too_long_is_told_for_what(tmp_path: Path) -> None:
    with (
        file_lock(tmp_path / "lock", purpose="hold"),
        pytest.raises(StoreBusy, match=r"can't migrate the store: another process has held .*lock for 0\.05 s"),
        file_lock(tmp_path / "lock", purpose="migrate the store", timeout_s=0.05),
    ):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), file_lock(tmp_path / "lock", purpose="fail"):
        raise RuntimeError
    with file_lock(tmp_path / "lock", purpose="go on", timeout_s=0.0):
        pass


@posix
def test_a_lock_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    holder = start(
        'from nbtrack.store.filelock import file_lock\nwith file_lock(Path("lock"), purpose="hold"):\n    print("held", flush=True)\n    time.sleep(60)'
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with file_lock(tmp_path / "lock", purpose="go on", timeout_s=5.0):
        pass


@posix
def test_a_child_forked_meanwhile_does_not_keep_the_lock(tmp_path: Path) -> None:
    script = """
from nbtrack.store.filelock import file_lock
with file_lock(Path("lock"), purpose="hold"):
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
with file_lock(Path("lock"), purpose="hold again", timeout_s=0.0):
    print("free")
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
"""
    assert run(script) == "free\n"


def test_a_lock_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreNotWritable, match="can't create the store"), file_lock(tmp_path / "gone/lock", purpose="create the store"):
        pass
