"""What is known of every file and document of a batch, in SQLite beside the results.

A *document* is content, known by its hash; a *file* is a place where it lies. Copies share one
document. A document's outcome and the lines of its files are written in one transaction, and the
file of results is brought along under the same lock; see docextract.batch.results.

Several processes may work from one ledger. Each is a *run* that shows now and then that it is
alive; what a dead run was reading is up for reading again.
"""

import json
import os
import secrets
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self

from docextract.batch.inputs import File, Stamp, is_hash, is_there
from docextract.batch.job import Entry, Job, Outcome, Task
from docextract.batch.results import ResultsFile, to_bytes, writing
from docextract.errors import OutputError, UsageError

_TABLES = """
CREATE TABLE job (identity TEXT NOT NULL, layout TEXT NOT NULL, stale INTEGER NOT NULL);
CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, pid INTEGER NOT NULL,
  process TEXT NOT NULL, alive REAL NOT NULL);
CREATE TABLE documents (key TEXT PRIMARY KEY, state TEXT NOT NULL, run INTEGER, read_as BLOB,
  finished INTEGER NOT NULL DEFAULT 0, outcome TEXT,
  CHECK (state IN ('queued', 'running', 'done', 'review', 'failed')));
CREATE INDEX waiting ON documents (state, finished);
CREATE TABLE files (path BLOB PRIMARY KEY, name BLOB NOT NULL, key TEXT NOT NULL,
  size INTEGER NOT NULL, changed INTEGER NOT NULL,
  line INTEGER UNIQUE, start INTEGER, length INTEGER);
CREATE INDEX copies ON files (key);
"""
_INPUTS = "CREATE TEMP TABLE inputs (path BLOB PRIMARY KEY)"

_STATES = {"ok": "done", "review": "review", "failed": "failed"}
_PATIENCE = 60.0  # seconds to wait for another run's lock
_DEAD_AFTER = 60.0  # seconds without a sign of life
_HOST = socket.gethostname()
_PROCESS = secrets.token_hex(8)  # the numbers of processes are used again


def ledger_of(results: Path) -> Path:
    """Where the ledger of these results is."""
    return results.with_name(f"{results.name}.ledger")


def files_of(results: Path) -> list[Path]:
    """All files that belong to these results, themselves included."""
    ledger = ledger_of(results)
    return [
        results,
        ledger,
        *(ledger.with_name(f"{ledger.name}-{kind}") for kind in ("wal", "shm")),
    ]


class Ledger:
    """The memory of the batch whose lines are in the file `results`. Close it, or use a `with`.

    All methods raise OutputError where the disk is full or gone; the ledger stays whole.
    """

    def __init__(self, results: Path, job: Job, overwrite: bool = False) -> None:
        """Open the ledger of `results`, or begin one.

        Raises:
            OutputError: the file is there without a ledger, somebody else has changed it, or it is
                to be overwritten while another run writes it.
            UsageError: it holds the results of another job.
        """
        self.path = ledger_of(results)
        self._job = job
        self._results = ResultsFile(results)
        if not overwrite and results.exists() and not self.path.exists():
            raise OutputError(
                f"{results}: there is such a file, and no ledger beside it",
                hint="choose another with -o, or replace it: --overwrite",
            )
        with self._refusals():
            self._base = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        try:
            with self._refusals():
                _log_ahead(self._base)
                self._base.execute("PRAGMA synchronous = NORMAL")
                self._base.execute(_INPUTS)
            with self._transaction():
                self._open_job(overwrite)
                self._run = self._base.execute(
                    "INSERT INTO runs (host, pid, process, alive) VALUES (?, ?, ?, ?)",
                    [_HOST, os.getpid(), _PROCESS, time.time()],
                ).lastrowid
        except BaseException:
            self._base.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was being read and end the run."""
        try:
            with self._transaction():
                self._end_run(self._run)
        finally:
            self._base.close()

    def expect(self, files: Iterable[File]) -> None:
        """These files are what this run is about."""
        with self._transaction():
            self._base.executemany(
                "INSERT OR IGNORE INTO inputs VALUES (?)",
                ([os.fsencode(file.path)] for file in files),
            )

    def known_key(self, file: File, stamp: Stamp) -> str | None:
        """The key of a file's document, if the file looks as it did when it was hashed."""
        with self._refusals():
            row = self._base.execute(
                "SELECT key FROM files WHERE path = ? AND size = ? AND changed = ?",
                [os.fsencode(file.path), stamp.size, stamp.changed],
            ).fetchone()
        return row[0] if row and is_hash(row[0]) else None

    def admit(self, file: File, stamp: Stamp, key: str) -> None:
        """Note that `file` holds the document `key`.

        A copy of a document that was read gets its line at once; a file that was moved takes its
        line along. What is known of a file outlives it.
        """
        path, name = os.fsencode(file.path), os.fsencode(file.name)
        with self._transaction():
            if stamp.size < 0 and self._has_line(path):
                return
            if moved := self._moved(path, key):
                self._base.execute(
                    "UPDATE files SET path = ?, name = ? WHERE path = ?", [path, name, moved]
                )
                self._make_stale("path = ?", path)
            self._make_stale("path = ? AND key != ?", path, key)
            self._base.execute(
                "INSERT INTO files (path, name, key, size, changed) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (path) DO UPDATE SET key = excluded.key, size = excluded.size, "
                "changed = excluded.changed, line = CASE WHEN key = excluded.key THEN line END",
                [path, name, key, stamp.size, stamp.changed],
            )
            self._base.execute(
                "INSERT OR IGNORE INTO documents (key, state) VALUES (?, 'queued')", [key]
            )
            self._add_lines(key)

    def again(self, states: Sequence[str]) -> int:
        """Queue those of the expected documents that are in these states; how many they are."""
        marks = ", ".join("?" * len(states))
        with self._transaction():
            return self._base.execute(
                f"UPDATE documents SET state = 'queued' WHERE state IN ({marks}) "
                "AND key IN (SELECT key FROM files JOIN inputs USING (path))",
                states,
            ).rowcount

    def claim(self, again: bool = True) -> Task | None:
        """The next document that waits, now taken by this run; with `again`, in the end, those that
        were read before.
        """
        with self._transaction():
            row = self._base.execute(
                "SELECT key, path, name FROM documents CROSS JOIN files USING (key) "
                "CROSS JOIN inputs USING (path) WHERE state = 'queued' AND (finished = 0 OR ?) "
                "ORDER BY finished, documents.rowid LIMIT 1",
                [again],
            ).fetchone()
            if row is None:
                return None
            key, path, name = row
            self._base.execute(
                "UPDATE documents SET state = 'running', run = ?, read_as = ? WHERE key = ?",
                [self._run, name, key],
            )
        return Task(key, File(os.fsdecode(path), os.fsdecode(name)))

    def release(self, key: str) -> None:
        """Put a document that this run took back into the queue."""
        with self._transaction():
            self._base.execute(
                "UPDATE documents SET state = 'queued', run = NULL WHERE key = ? AND run = ?",
                [key, self._run],
            )

    def finish(self, key: str, outcome: Outcome) -> bool:
        """Keep an outcome and write its lines; False where another run has taken the document."""
        with self._transaction():
            mine = self._base.execute(
                "UPDATE documents SET state = ?, run = NULL, outcome = ?, finished = finished + 1 "
                "WHERE key = ? AND run = ?",
                [_STATES[outcome.status], json.dumps(asdict(outcome)), key, self._run],
            ).rowcount
            if mine:
                self._make_stale("key = ?", key)
                self._add_lines(key)
        return bool(mine)

    def show_life(self) -> None:
        """Say that this run is alive, and queue what dead runs were reading."""
        with self._transaction():
            self._base.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
                [self._run, _HOST, os.getpid(), _PROCESS, time.time()],
            )
            self._bury_the_dead()

    def read_elsewhere(self) -> int:
        """How many of the expected documents other runs are reading."""
        with self._refusals():
            return int(
                self._base.execute(
                    "SELECT count(DISTINCT key) FROM documents CROSS JOIN files USING (key) "
                    "CROSS JOIN inputs USING (path) WHERE state = 'running' AND run != ?",
                    [self._run],
                ).fetchone()[0]
            )

    def tally(self) -> Counter[str]:
        """How many of the expected files are in which state."""
        with self._refusals():
            rows = self._base.execute(
                "SELECT state, count(*) FROM inputs JOIN files USING (path) "
                "JOIN documents USING (key) GROUP BY state"
            )
            return Counter(dict(rows.fetchall()))

    def failures(self) -> Counter[tuple[str, str]]:
        """How many of the expected files failed of what: an error's name, and its hint."""
        with self._refusals():
            rows = self._base.execute(
                "SELECT outcome FROM inputs JOIN files USING (path) JOIN documents USING (key) "
                "WHERE state = 'failed'"
            )
            errors = (json.loads(outcome)["error"] for (outcome,) in rows)
            return Counter((error["name"], error["hint"]) for error in errors)

    def finished_keys(self) -> frozenset[str]:
        """The keys of the documents that need no reading."""
        with self._refusals():
            rows = self._base.execute(
                "SELECT key FROM documents WHERE state IN ('done', 'review', 'failed')"
            )
            return frozenset(key for (key,) in rows)

    def seconds_per_page(self) -> float | None:
        """What reading has taken so far, or None before anything was read."""
        outcomes = [entry.outcome for entry in self.entries() if entry.outcome.pages]
        pages = sum(outcome.pages or 0 for outcome in outcomes)
        return sum(outcome.seconds for outcome in outcomes) / pages if pages else None

    def entries(self) -> Iterator[Entry]:
        """All files that have an outcome, in the order of their lines."""
        rows = self._base.execute(
            "SELECT name, key, read_as, outcome FROM files JOIN documents USING (key) "
            "WHERE line NOTNULL ORDER BY line"
        )
        for row in rows:
            yield _entry(*row)

    def settle(self) -> None:
        """Write the results anew, in one step, where lines in them have changed."""
        with self._transaction():
            if self._stale():
                self._rewrite()

    def _open_job(self, overwrite: bool) -> None:
        identity, layout = json.dumps(dict(self._job.identity())), self._job.layout
        there = self._base.execute("SELECT 1 FROM sqlite_master WHERE name = 'job'").fetchone()
        if there and overwrite:
            self._refuse_company()
            for table in ("job", "runs", "documents", "files"):
                self._base.execute(f"DROP TABLE {table}")
        if overwrite or not there:
            for statement in _TABLES.split(";")[:-1]:
                self._base.execute(statement)
            self._base.execute("INSERT INTO job VALUES (?, ?, 1)", [identity, layout])
        else:
            self._compare(json.loads(identity))
            self._bury_the_dead()
            self._base.execute(
                "UPDATE job SET layout = ?, stale = 1 WHERE layout != ?", [layout, layout]
            )
        if not self._stale() and (found := self._results.compare(self._blocks())) != "whole":
            if found == "other":
                raise OutputError(
                    f"{self._results.path}: somebody else has changed it",
                    hint="move it away and give the same command again: it is written anew",
                )
            self._base.execute("UPDATE job SET stale = 1")
        if self._stale():
            self._rewrite()

    def _compare(self, identity: Mapping[str, str]) -> None:
        [text] = self._base.execute("SELECT identity FROM job").fetchone()
        before = json.loads(text)
        changes = [
            f"{name} was {before.get(name, 'not set')} and is now {identity.get(name, 'not set')}"
            for name in dict.fromkeys([*before, *identity])
            if before.get(name) != identity.get(name)
        ]
        if changes:
            raise UsageError(
                f"{self._results.path} holds the results of another job: {'; '.join(changes)}",
                hint="choose another file with -o, or start anew: --overwrite",
            )

    def _refuse_company(self) -> None:
        self._bury_the_dead()
        if self._base.execute("SELECT 1 FROM runs").fetchone():
            raise OutputError(
                f"{self._results.path}: another batch is writing it",
                hint="wait for its end, or choose another file with -o",
            )

    def _bury_the_dead(self) -> None:
        now = time.time()
        for run, host, pid, process, alive in self._base.execute("SELECT * FROM runs").fetchall():
            here = host == _HOST and process != _PROCESS
            if now - alive > _DEAD_AFTER or (here and not _is_alive(pid)):
                self._end_run(run)

    def _end_run(self, run: int | None) -> None:
        self._base.execute("UPDATE documents SET state = 'queued', run = NULL WHERE run = ?", [run])
        self._base.execute("DELETE FROM runs WHERE id = ?", [run])

    def _has_line(self, path: bytes) -> bool:
        found = self._base.execute("SELECT line FROM files WHERE path = ?", [path]).fetchone()
        return bool(found) and found[0] is not None

    def _moved(self, path: bytes, key: str) -> bytes | None:
        """Where the new file `path` was before, if it was moved."""
        if self._base.execute("SELECT 1 FROM files WHERE path = ?", [path]).fetchone():
            return None
        others = self._base.execute(
            "SELECT path FROM files WHERE key = ? AND path NOT IN (SELECT path FROM inputs)", [key]
        )
        return next(
            (other for (other,) in others.fetchall() if not is_there(os.fsdecode(other))), None
        )

    def _make_stale(self, condition: str, *values: object) -> None:
        """The file of results is out of date where such files have lines in it."""
        self._base.execute(
            "UPDATE job SET stale = 1 "
            f"WHERE EXISTS (SELECT 1 FROM files WHERE line NOTNULL AND {condition})",
            values,
        )

    def _stale(self) -> bool:
        return bool(self._base.execute("SELECT stale FROM job").fetchone()[0])

    def _add_lines(self, key: str) -> None:
        """Lines for the files of a document that have none, if it has been read."""
        rows = self._base.execute(
            "SELECT path, name, key, read_as, outcome FROM files JOIN documents USING (key) "
            "WHERE key = ? AND line ISNULL AND state IN ('done', 'review', 'failed')",
            [key],
        ).fetchall()
        stale = self._stale()
        for path, *row in rows:
            last = self._base.execute(
                "SELECT line, start + length FROM files ORDER BY line DESC LIMIT 1"
            ).fetchone()
            line, start = (last[0] + 1, last[1]) if last[0] is not None else (0, 0)
            text = to_bytes(self._job.lines(_entry(*row)))
            self._base.execute(
                "UPDATE files SET line = ?, start = ?, length = ? WHERE path = ?",
                [line, start, len(text), path],
            )
            if not stale:  # else all of it is written anew when the batch ends
                self._results.append(start, text)

    def _blocks(self) -> Iterator[bytes]:
        return (to_bytes(self._job.lines(entry)) for entry in self.entries())

    def _rewrite(self) -> None:
        lines = self._base.execute("SELECT line FROM files WHERE line NOTNULL ORDER BY line")
        places = []

        def placed() -> Iterator[bytes]:
            start = 0
            for (line,), block in zip(lines.fetchall(), self._blocks(), strict=True):
                places.append((start, len(block), line))
                start += len(block)
                yield block

        self._results.replace(placed())
        self._base.executemany("UPDATE files SET start = ?, length = ? WHERE line = ?", places)
        self._base.execute("UPDATE job SET stale = 0")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else meanwhile."""
        with self._refusals():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some failures have ended the transaction already
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        with writing(self.path):
            try:
                yield
            except sqlite3.Error as error:
                raise OSError(str(error)) from error


def _log_ahead(base: sqlite3.Connection) -> None:
    """Set write-ahead logging. SQLite does not wait for others that do the same, so this does."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _entry(name: bytes, key: str, read_as: bytes, outcome: str) -> Entry:
    """A file's entry; what is said of the document it was read as is said of this file."""
    known = Outcome(**json.loads(outcome))
    file = os.fsdecode(name)
    if known.error and read_as != name:
        message = known.error["message"].replace(os.fsdecode(read_as), file)
        known = replace(known, error={**known.error, "message": message})
    return Entry(file, key if is_hash(key) else None, known)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # no question there that does not harm; its signs of life decide
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
