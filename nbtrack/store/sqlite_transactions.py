"""Transactions that an interrupt can't leave open unnoticed.

Ctrl-C may strike between any two steps of Python, also at the very beginning of an ``__exit__``,
before it could do anything. The transaction would stay open then, and all that is logged later
would be a part of it: told to be stored, and never committed. So a transaction remembers the frame
that entered it. When that frame does not run any more, its transaction was abandoned, and is
rolled back before anything else is done.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from types import FrameType, TracebackType
from typing import Protocol

from nbtrack.errors import NbtrackError
from nbtrack.store.sqlite_errors import DRIVER_ERRORS

_GENERATOR = 0x20 | 0x80 | 0x200  # the code flags of generators, coroutines and asynchronous generators


class Session:
    """One thread's connection, made at its first use. Whoever holds the lock may use or close it."""

    __slots__ = ("__weakref__", "connection", "lock", "owner", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.connection: sqlite3.Connection | None = None
        self.lock = threading.RLock()
        self.owner: FrameType | None = None  # the frame whose with statement is the open transaction

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def drop_abandoned(self) -> None:
        """Roll back a transaction whose with statement was left without its end; the lock is held."""
        if self.owner is None or self.connection is None or not self.connection.in_transaction:
            return
        frame = sys._getframe() if self.thread == threading.get_ident() else sys._current_frames().get(self.thread)
        while frame is not None and frame is not self.owner:
            frame = frame.f_back
        if frame is None:
            self.connection.rollback()
            self.owner = None


class Opener(Protocol):
    """What a transaction needs of its database."""

    @property
    def in_transaction(self) -> bool:
        """Whether this thread has a transaction open."""
        ...

    def session(self) -> Session:
        """This thread's session."""
        ...

    def usable(self, session: Session) -> sqlite3.Connection:
        """The session's connection, without an abandoned transaction; its lock is held."""
        ...

    def make_way(self) -> None:
        """Before a transaction: wait for a fork that is under way, and end what other threads abandoned."""
        ...

    def translated(self, error: Exception) -> NbtrackError:
        """The store's error for a driver's one."""
        ...


class Transaction:
    """A transaction as a with statement, or a savepoint in the one that is open.

    Errors are rolled back by calls into C alone: an interrupt comes before or after those.
    """

    def __init__(self, database: Opener, *, begin: str) -> None:
        self._database = database
        self._begin = begin
        self._session = database.session()
        self._nested = False

    def __enter__(self) -> None:
        if not self._database.in_transaction:  # else the others wait for its end
            self._database.make_way()
        session = self._session
        with session.lock:
            try:
                connection = self._database.usable(session)
                self._nested = connection.in_transaction
                if self._nested:
                    connection.execute("SAVEPOINT nbtrack")
                else:
                    session.owner = _entering_frame()
                    connection.execute(self._begin)
            except BaseException as error:
                if not self._nested and session.connection is not None:
                    session.connection.rollback()
                if isinstance(error, DRIVER_ERRORS):
                    raise self._database.translated(error) from error
                raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        session = self._session
        with session.lock:
            if session.connection is None:
                return  # the child of a fork inside the block: the transaction is its parent's
            try:
                if kind is None:
                    session.connection.execute("RELEASE nbtrack" if self._nested else "COMMIT")
            except BaseException as failure:
                self._roll_back(session.connection)
                if isinstance(failure, DRIVER_ERRORS):
                    raise self._database.translated(failure) from failure
                raise
            if kind is not None:
                self._roll_back(session.connection)
            if not self._nested:
                session.owner = None

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        if not self._nested:
            connection.rollback()
        elif connection.in_transaction:  # a full disk rolls back everything by itself
            connection.execute("ROLLBACK TO nbtrack")
            connection.execute("RELEASE nbtrack")


def _entering_frame() -> FrameType | None:
    """The frame whose with statement is being entered, seen through helpers that are context managers themselves."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and (frame.f_code.co_flags & _GENERATOR or frame.f_code.co_filename == contextlib.__file__):
        frame = frame.f_back
    return frame
