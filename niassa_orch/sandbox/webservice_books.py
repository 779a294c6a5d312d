"""The books of the web service stand-in: accounts, runs and what became of them, in one SQLite file.

Whatever the sandbox knows is here, so that it can be stopped and started. Rules of the protocol that concern the row
itself (what a PUT wipes, adds and merges, when ``updateTimestamp`` moves) are here too; HTTP and XML are not.
Called by ``webservice``, and by tests and benchmarks that fill in or look up runs.
"""

import contextlib
import dataclasses
import hashlib
import hmac
import pathlib
import secrets
import sqlite3
import time
import typing
from collections.abc import Generator, Iterable, Iterator, Mapping

from niassa_orch.sandbox import webservice_documents

_SCALARS = ("accession", "owner", "workflowAccession", "createdMs", "updatedMs", "version")
_COLUMNS = (*_SCALARS, *webservice_documents.WRITABLE)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM runs"  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"  # noqa: S608
_SET = f"{', '.join(f'{name} = ?' for name in webservice_documents.WRITABLE)}"

#: A stretch of a list that is read and sent at once.
_ROWS_AT_ONCE = 100

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    accession INTEGER PRIMARY KEY, owner TEXT NOT NULL, workflowAccession INTEGER, createdMs INTEGER NOT NULL,
    updatedMs INTEGER NOT NULL, version INTEGER NOT NULL,
    {", ".join(f"{name} TEXT" for name in webservice_documents.WRITABLE)});
CREATE INDEX IF NOT EXISTS runs_by_status_and_host ON runs (status, host);
CREATE TABLE IF NOT EXISTS input_files (accession INTEGER, file INTEGER, PRIMARY KEY (accession, file)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attributes (
    accession INTEGER, tag TEXT, value TEXT, unit TEXT, PRIMARY KEY (accession, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (accession INTEGER, seconds REAL, status TEXT, statusCmd TEXT);
CREATE INDEX IF NOT EXISTS history_by_accession ON history (accession);
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A status that a run had, since ``seconds`` after the epoch."""

    seconds: float
    status: str | None
    status_cmd: str | None


class Books:
    """One open state file. Every method is short and commits before it returns.

    Args:
        state_file: Made when absent; its folder must exist.
    """

    def __init__(self, state_file: pathlib.Path) -> None:
        self._file = state_file
        self._connection = sqlite3.connect(state_file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the books can't be used any more."""
        self._connection.close()

    def add_account(self, email: str, password: str) -> None:
        """Add an account, or change its password; the e-mail address is trimmed and lower-cased."""
        salt = secrets.token_bytes(16)
        self._connection.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)",
            (email.strip().lower(), salt, _slow_hash(password, salt)),
        )

    def knows_account(self, email: str) -> bool:
        """Tell whether there is such an account."""
        found = self._connection.execute("SELECT 1 FROM accounts WHERE email = ?", (email.strip().lower(),))
        return found.fetchone() is not None

    def verify(self, email: str, password: str) -> bool:
        """Tell whether the password is right; slow by design, as the real service's is."""
        found = self._connection.execute("SELECT salt, hash FROM accounts WHERE email = ?", (email.strip().lower(),))
        salt, stored = found.fetchone() or (b"", b"")
        return hmac.compare_digest(_slow_hash(password, salt), stored)

    def add_run(self, owner: str, texts: Mapping[str, str], *, workflow_accession: int | None = None) -> int:
        """Add a run with any of the texts of ``WRITABLE`` and return its accession."""
        return self.add_runs(owner, [texts], workflow_accession=workflow_accession)[0]

    def add_runs(
        self, owner: str, many_texts: Iterable[Mapping[str, str]], *, workflow_accession: int | None = None
    ) -> range:
        """Add many runs at once and return their accessions, which follow one another."""
        now_ms = time.time_ns() // 1_000_000
        with self._transaction():
            highest = self._connection.execute("SELECT max(accession) FROM runs").fetchone()[0]
            first = following = (highest or webservice_documents.ACCESSION_OFFSET) + 1
            for texts in many_texts:
                values = [texts.get(name) for name in webservice_documents.WRITABLE]
                scalars = (following, owner.strip().lower(), workflow_accession, now_ms, now_ms, 0)
                self._connection.execute(_INSERT, (*scalars, *values))
                self._note(following, texts)
                following += 1
        return range(first, following)

    def find(self, accession: int) -> webservice_documents.StoredRun | None:
        """The whole run, input files and attributes included; ``None`` when unknown."""
        found = self._connection.execute(f"{_SELECT} WHERE accession = ?", (accession,)).fetchone()
        if found is None:
            return None
        files = self._connection.execute("SELECT file FROM input_files WHERE accession = ?", (accession,))
        attributes = self._connection.execute(
            "SELECT tag, value, unit FROM attributes WHERE accession = ? ORDER BY tag", (accession,)
        )
        return dataclasses.replace(
            _stored(found),
            input_files=tuple(number for (number,) in files),
            attributes=tuple(webservice_documents.Attribute(*attribute) for attribute in attributes),
        )

    def runs(self, wanted: Mapping[str, str] | None = None) -> list[webservice_documents.StoredRun]:
        """Every run whose columns have these values, without input files and attributes."""
        return [run for stretch in self.stretches(wanted or {}) for run in stretch]

    def stretches(self, wanted: Mapping[str, str]) -> Generator[list[webservice_documents.StoredRun], None, None]:
        """As ``runs``, a stretch at a time, all of one moment: what is written meanwhile is not seen.

        Close the generator when it is not read to its end.
        """
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        with contextlib.closing(sqlite3.connect(self._file, isolation_level=None)) as snapshot:
            rows = snapshot.execute(f"{_SELECT} WHERE {where}", tuple(wanted.values()))
            while stretch := rows.fetchmany(_ROWS_AT_ONCE):
                yield [_stored(found) for found in stretch]

    def write(
        self, read: webservice_documents.StoredRun, body: webservice_documents.Body
    ) -> webservice_documents.StoredRun | None:
        """Write a PUT's body over the run that was read before: a text that the body lacks is wiped.

        Returns:
            The stored run, or ``None`` when another PUT came in between: of two that overlap, one is lost.
        """
        owner = read.owner
        if body.owner_email is not None and self.knows_account(body.owner_email):
            owner = body.owner_email.strip().lower()
        workflow = read.workflow_accession if body.workflow_accession is None else body.workflow_accession
        merged = {attribute.tag: attribute for attribute in (*read.attributes, *body.attributes)}
        changed = dataclasses.replace(
            read,
            owner=owner,
            workflow_accession=workflow,
            texts=body.texts,
            input_files=tuple(sorted({*read.input_files, *body.input_files})),
            attributes=tuple(merged[tag] for tag in sorted(merged)),
        )
        if changed != read:
            changed = dataclasses.replace(changed, updated_ms=max(time.time_ns() // 1_000_000, read.updated_ms + 1))
        return self._replace(read, dataclasses.replace(changed, version=read.version + 1))

    def history(self, accession: int) -> list[Moment]:
        """Every status that a run went through, oldest first; one entry more when only ``statusCmd`` changed."""
        return self.histories(accession).get(accession, [])

    def histories(self, accession: int | None = None) -> dict[int, list[Moment]]:
        """The history of every run, or of one."""
        found: dict[int, list[Moment]] = {}
        where, values = ("WHERE accession = ?", (accession,)) if accession is not None else ("", ())
        for number, *moment in self._connection.execute(
            f"SELECT accession, seconds, status, statusCmd FROM history {where} ORDER BY rowid",  # noqa: S608
            values,
        ):
            found.setdefault(number, []).append(Moment(*moment))
        return found

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _replace(
        self, old: webservice_documents.StoredRun, new: webservice_documents.StoredRun
    ) -> webservice_documents.StoredRun | None:
        with self._transaction():
            texts = [new.texts.get(name) for name in webservice_documents.WRITABLE]
            done = self._connection.execute(
                f"UPDATE runs SET owner = ?, workflowAccession = ?, updatedMs = ?, version = ?, {_SET} "  # noqa: S608
                "WHERE accession = ? AND version = ?",
                (new.owner, new.workflow_accession, new.updated_ms, new.version, *texts, old.accession, old.version),
            )
            if done.rowcount == 0:
                return None
            self._connection.executemany(
                "INSERT OR IGNORE INTO input_files VALUES (?, ?)", [(new.accession, file) for file in new.input_files]
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO attributes VALUES (?, ?, ?, ?)",
                [(new.accession, attribute.tag, attribute.value, attribute.unit) for attribute in new.attributes],
            )
            if any(old.texts.get(name) != new.texts.get(name) for name in ("status", "statusCmd")):
                self._note(new.accession, new.texts)
        return new

    def _note(self, accession: int, texts: Mapping[str, str]) -> None:
        self._connection.execute(
            "INSERT INTO history VALUES (?, ?, ?, ?)",
            (accession, time.time(), texts.get("status"), texts.get("statusCmd")),
        )


def _stored(found: tuple[typing.Any, ...]) -> webservice_documents.StoredRun:
    texts = zip(webservice_documents.WRITABLE, found[len(_SCALARS) :], strict=True)
    accession, owner, workflow_accession, created_ms, updated_ms, version = found[: len(_SCALARS)]
    return webservice_documents.StoredRun(
        accession=accession,
        owner=owner,
        workflow_accession=workflow_accession,
        created_ms=created_ms,
        updated_ms=updated_ms,
        version=version,
        texts={name: text for name, text in texts if text is not None},
    )


def _slow_hash(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10_000)
