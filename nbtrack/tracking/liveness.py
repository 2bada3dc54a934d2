"""Who is alive: heartbeats of this process's runs, and runs whose process is gone."""

from __future__ import annotations

import threading
from datetime import datetime
from time import time_ns

from nbtrack.capture.process import is_alive
from nbtrack.entities import RunInfo, RunStatus
from nbtrack.errors import StoreError
from nbtrack.store.base import Store

BEAT_INTERVAL_S = 10.0
# A run on another host can be judged by its heartbeat alone; this long, so that a long call into C
# code that holds the interpreter's lock is not taken for a death.
SILENCE_MS = 15 * 60 * 1000


def mark_lost(store: Store) -> list[RunInfo]:
    """End the RUNNING runs whose process is gone as KILLED, at their last sign of life; return them."""
    lost = []
    now = time_ns() // 1_000_000
    for info, process, heartbeat in store.runs.claims():
        alive = is_alive(process)
        if alive or (alive is None and now - heartbeat < SILENCE_MS):
            continue
        # Metrics tell more than heartbeats, which are far apart; but a timestamp may be the user's, of any year.
        logged = [summary.last_timestamp for summary in store.metrics.summaries(info.run_id)]
        end = max([heartbeat, *(timestamp for timestamp in logged if timestamp <= now)])
        moment = datetime.fromtimestamp(end / 1000).strftime("%Y-%m-%d %H:%M:%S")
        reason = f"process {process.pid} is gone" if alive is False else f"no sign of life from host {process.host}"
        lost.append(store.runs.update(info.run_id, status=RunStatus.KILLED, end_time=end, status_message=f"lost after {moment}: {reason}"))
    return lost


class Heartbeat:
    """A daemon thread that notes, every ``BEAT_INTERVAL_S`` seconds, that the runs are alive.

    It sleeps while there are none and never takes a lock that a log call waits for.
    """

    def __init__(self) -> None:
        self._runs: dict[str, Store] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, run_id: str, store: Store) -> None:
        """Beat for the run from now on."""
        with self._changed:
            self._runs[run_id] = store
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="nbtrack-heartbeat", daemon=True)
                self._thread.start()

    def forget(self, run_id: str) -> None:
        """Stop beating for the run."""
        with self._changed:
            self._runs.pop(run_id, None)

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(BEAT_INTERVAL_S)
                runs = dict(self._runs)
            stores = {id(store): store for store in runs.values()}
            for key, store in stores.items():
                try:
                    store.runs.beat([run_id for run_id, owner in runs.items() if id(owner) == key], time_ns() // 1_000_000)
                except StoreError:
                    continue  # busy or full: the next beat says the same, and log calls report it
