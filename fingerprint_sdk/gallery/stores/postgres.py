"""A gallery in PostgreSQL, with pgvector (extra ``postgres``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fingerprint_sdk.embeddings_file import check_same_model
from fingerprint_sdk.errors import GalleryError, StoreError
from fingerprint_sdk.extras import need
from fingerprint_sdk.gallery.entry import Entry, entry_name
from fingerprint_sdk.gallery.file import Content
from fingerprint_sdk.gallery.stores.postgres_tables import TABLES, column, text_of
from fingerprint_sdk.gallery.stores.store import Near, by_cosine, joined, packed, probe, unpacked
from fingerprint_sdk.runtime.contract import ModelIdentity
from fingerprint_sdk.stream import positive

_SECONDS = 60  # to wait for a connection, and for others who change the gallery
_ONE_AT_A_TIME = 7310575214  # of whoever makes tables: any number that others hardly lock
_ROWS_EACH = 32  # fingerprints of an entry, about: its images', and of twenty kinds of copies
_WIDEST = 1000  # pgvector's largest hnsw.ef_search


@dataclass(frozen=True)
class PostgresStore:
    """The gallery ``name`` in a database; see ``GalleryStore``. Each call is a connection.

    Args:
        server: a connection string or URI as libpq takes it. A password had better be in
            ``PGPASSWORD`` or a password file; it is in no message.
        name: of the gallery, as of an entry.
    """

    server: str = field(repr=False)
    name: str

    def __str__(self) -> str:
        return f"the gallery {self.name!r} in PostgreSQL"

    def model(self) -> ModelIdentity | None:
        """See ``GalleryStore.model``."""
        with self._connected() as connection:
            if not self._has_tables(connection):
                return None
            found = self._found(connection)
        return None if found is None else found[1]

    def load(self) -> Content:
        """See ``GalleryStore.load``."""
        with self._connected() as connection:
            _, model = self._known(connection)
            query = """
                SELECT content FROM fingerprint_entries JOIN fingerprint_galleries g
                ON gallery = g.id WHERE g.name = %s ORDER BY fingerprint_entries.id"""
            found = [row[0] for row in connection.execute(query, (self.name,))]
        return unpacked(found, str(self)) if found else Content(model, {})

    def entry(self, name: str) -> Entry:
        """See ``GalleryStore.entry``."""
        name = entry_name(name)
        with self._connected() as connection:
            gallery, _ = self._known(connection)
            found = self._entry(connection, gallery, name)
        if found is None:
            raise self._none(name)
        return found

    def put(
        self,
        name: str,
        entry: Entry,
        model: ModelIdentity,
        *,
        notes: str | None = None,
        replace: bool = False,
    ) -> tuple[Entry, bool]:
        """See ``GalleryStore.put``."""
        name = entry_name(name)
        packed(name, entry, model)  # or its errors, before anything is asked for
        with self._connected() as connection:
            gallery = self._made(connection, model)
            old = self._entry(connection, gallery, name)
            new = joined(None if replace else old, entry, notes)
            [place] = connection.execute(
                """
                INSERT INTO fingerprint_entries (gallery, name, content) VALUES (%s, %s, %s)
                ON CONFLICT (gallery, name) DO UPDATE SET content = EXCLUDED.content
                RETURNING id""",
                (gallery, name, packed(name, new, model)),
            ).fetchone()
            connection.execute("DELETE FROM fingerprint_vectors WHERE entry = %s", (place,))
            connection.cursor().executemany(
                "INSERT INTO fingerprint_vectors VALUES (%s, %s, %s::vector)",
                [(gallery, place, text_of(row)) for row in new.fingerprints],
            )
            self._changed(connection, gallery)
        return new, old is None

    def remove(self, name: str) -> None:
        """See ``GalleryStore.remove``."""
        name = entry_name(name)
        with self._connected() as connection:
            gallery, _ = self._known(connection, change=True)
            query = "DELETE FROM fingerprint_entries WHERE gallery = %s AND name = %s"
            if connection.execute(query, (gallery, name)).rowcount == 0:
                raise self._none(name)
            self._changed(connection, gallery)

    def changes(self) -> tuple[int, int] | None:
        """Two numbers that are others after each change; None if there is no gallery."""
        with self._connected() as connection:
            if not self._has_tables(connection):
                return None
            query = "SELECT id, changes FROM fingerprint_galleries WHERE name = %s"
            found = connection.execute(query, (self.name,)).fetchone()
        return None if found is None else (found[0], found[1])

    def names(self) -> list[str]:
        """Of all galleries in the database."""
        with self._connected() as connection:
            if not self._has_tables(connection):
                return []
            query = "SELECT name FROM fingerprint_galleries ORDER BY name"
            return [row[0] for row in connection.execute(query)]

    def nearest(self, embedding: npt.NDArray[np.floating], top: int = 10) -> tuple[Near, ...]:
        """See ``GalleryStore.nearest``."""
        top = positive("top", top, 10, GalleryError)
        with self._connected() as connection:
            gallery, model = self._known(connection)
            row = probe(embedding, model.embedding_size)
            rows = top * _ROWS_EACH
            connection.execute(f"SET LOCAL hnsw.ef_search = {min(rows, _WIDEST)}")
            connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            # Numbers in the query itself: the index of a gallery is only taken for this gallery.
            query = f"""
                SELECT content FROM fingerprint_entries WHERE id IN (
                    SELECT entry FROM fingerprint_vectors WHERE gallery = {gallery:d}
                    ORDER BY {column(model)} <=> %s::vector LIMIT {rows:d})"""
            found = [one[0] for one in connection.execute(query, (text_of(row),))]
        return by_cosine(unpacked(found, str(self)).entries, row, top) if found else ()

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection with a transaction, of which all or nothing is kept."""
        psycopg = need("psycopg", "postgres", "a gallery in PostgreSQL")
        entry_name(self.name)
        try:
            # What is wrong in a connection string is not told: it may be the password.
            parts = psycopg.conninfo.conninfo_to_dict(self.server)
        except psycopg.ProgrammingError:
            raise GalleryError(
                f"the address of {self} is none that PostgreSQL takes: "
                "write postgresql://USER@HOST/DATABASE#NAME"
            ) from None
        parts.setdefault("connect_timeout", _SECONDS)
        try:
            with psycopg.connect(**parts) as connection:
                connection.execute(f"SET LOCAL lock_timeout = '{_SECONDS}s'")
                yield connection
        except psycopg.errors.UndefinedTable:
            raise self._missing() from None
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            if parts.get("password"):
                said = said.replace(str(parts["password"]), "…")
            raise StoreError(f"{self} cannot be used: {said}") from None

    def _known(self, connection: Any, *, change: bool = False) -> tuple[int, ModelIdentity]:
        """Number and model of the gallery; nobody else changes it meanwhile if ``change``."""
        found = self._found(connection, change=change)
        if found is None:
            raise self._missing()
        return found

    def _found(self, connection: Any, *, change: bool = False) -> tuple[int, ModelIdentity] | None:
        found = connection.execute(
            """SELECT id, model_name, model_version, model_sha256, embedding_size
            FROM fingerprint_galleries WHERE name = %s"""
            + " FOR UPDATE" * change,
            (self.name,),
        ).fetchone()
        return None if found is None else (found[0], ModelIdentity(*found[1:]))

    def _changed(self, connection: Any, gallery: int) -> None:
        query = "UPDATE fingerprint_galleries SET changes = changes + 1 WHERE id = %s"
        connection.execute(query, (gallery,))

    def _has_tables(self, connection: Any) -> bool:
        [there] = connection.execute("SELECT to_regclass('fingerprint_vectors')").fetchone()
        return there is not None

    def _made(self, connection: Any, model: ModelIdentity) -> int:
        """Number of the gallery, made if there is none, for this transaction to change."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
        if not self._has_tables(connection):
            connection.execute(TABLES)
        made = connection.execute(
            """INSERT INTO fingerprint_galleries
            (name, model_name, model_version, model_sha256, embedding_size)
            VALUES (%s, %s, %s, %s, %s) ON CONFLICT (name) DO NOTHING RETURNING id""",
            (self.name, model.name, model.version, model.sha256, model.embedding_size),
        ).fetchone()
        if made is not None:
            connection.execute(
                f"CREATE INDEX fingerprint_vectors_{made[0]:d} ON fingerprint_vectors "
                f"USING hnsw ({column(model)} vector_cosine_ops) WHERE gallery = {made[0]:d}"
            )
        gallery, kept = self._known(connection, change=True)
        check_same_model(kept, model, kind="gallery", remedy="enroll")
        return gallery

    def _entry(self, connection: Any, gallery: int, name: str) -> Entry | None:
        query = "SELECT content FROM fingerprint_entries WHERE gallery = %s AND name = %s"
        found = connection.execute(query, (gallery, name)).fetchone()
        return None if found is None else unpacked([found[0]], str(self)).entries[name]

    def _missing(self) -> GalleryError:
        return GalleryError(f"there is no gallery {self.name!r} in the database: check the name")

    def _none(self, name: str) -> GalleryError:
        return GalleryError(f"{self} has no entry {name!r}: check the name")
