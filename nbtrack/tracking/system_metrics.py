"""CPU, memory, disk, network and GPU as metrics of a run, sampled in a thread."""

from __future__ import annotations

import threading
from time import time_ns

from nbtrack.entities import Metric
from nbtrack.errors import NbtrackError
from nbtrack.store.base import Store
from nbtrack.tracking.events import Notice, announce

DEFAULT_INTERVAL_S = 10.0


class SystemMetrics:
    """Samples every ``interval_s`` seconds and logs the points in one commit, from a thread of its own.

    A log call never waits for it: it holds no lock but the database's, for one short commit.
    """

    def __init__(self, store: Store, run_id: str, *, interval_s: float = DEFAULT_INTERVAL_S) -> None:
        self._store = store
        self._run_id = run_id
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="nbtrack-system-metrics", daemon=True)

    def start(self) -> None:
        """Begin with a sample at once."""
        self._thread.start()

    def stop(self) -> None:
        """Take a last sample and end the thread."""
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _sample(self) -> None:
        from nbtrack.capture.system import SystemProbe

        probe, step, stopping = SystemProbe(), 0, False
        try:
            while True:
                now = time_ns() // 1_000_000
                points = [Metric(key, value, now, step) for key, value in probe.sample().items()]
                if points:
                    self._store.metrics.log_batch(self._run_id, points)
                if stopping:
                    return
                step += 1
                stopping = self._stop.wait(self._interval_s)
        except NbtrackError as error:
            announce(Notice(f"system metrics of run {self._run_id[:8]} stopped: {error}"))
