"""The session every door uses: scoped reads, guarded writes, history, and nothing refused ever left behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    bindparam,
    create_engine,
    event,
    insert,
    literal,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import ORMExecuteState, Session, attributes, scoped_session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.util import IdentitySet

from models.history import write_history
from models.invariants import check_invariants, follow_up, sentence_of, write_links
from models.owners import owner_at_hand, owners_first
from models.scoping import (
    Reached,
    Scoped,
    acting_as,
    check_reach,
    current_identity,
    limit_to_reach,
    row_in_reach,
)
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation

REFUSALS = (RuleViolation, NotPermitted, OutOfReach)


class PlatformSession(Session):
    """A session under the current identity. A flush that is refused rolls everything back before it raises."""

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """Like ``Session.get``, and a row loaded earlier under another identity is still out of reach."""
        found = super().get(entity, ident, **options)
        if isinstance(found, Reached) and not row_in_reach(found, current_identity()):
            return None
        return found

    def commit(self) -> None:
        """Flush first, so that a refusal rolls back while a rollback is still allowed; then commit."""
        self.flush()
        super().commit()

    def flush(self, objects: Any = None) -> None:
        """Raises RuleViolation (also for a broken constraint), Conflict when somebody else wrote first, NotPermitted, OutOfReach."""
        pending = [*self.new, *self.dirty, *self.deleted]
        try:
            super().flush(objects)
        except StaleDataError as error:
            self.rollback()
            raise Conflict("这条记录刚刚被他人修改，请查看最新内容后再试。") from error
        except IntegrityError as error:
            self.rollback()
            raise _explain(error, pending) from error
        except REFUSALS:
            self.rollback()
            raise


def _explain(error: IntegrityError, pending: list[Any]) -> RuleViolation:
    text = str(error.orig) + str(getattr(getattr(error.orig, "diag", None), "table_name", ""))
    for row in pending:
        if type(row).__tablename__ in text:
            return sentence_of(error, type(row))
    return RuleViolation("与已有记录冲突，或仍被其他记录使用，未保存。")


def make_engine(url: str) -> Engine:
    """An engine for ``url``; SQLite in WAL with foreign keys on and 15 s patience for a lock."""
    if not url.startswith("sqlite"):
        # Compiling a statement costs PostgreSQL more than any of these statements takes.
        options = f"{make_url(url).query.get('options', '')} -c jit=off".strip()
        return create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True, connect_args={"options": options})
    engine = create_engine(url, connect_args={"timeout": 15, "check_same_thread": False})
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
        "mmap_size=536870912",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def make_session_factory(engine: Engine) -> sessionmaker[PlatformSession]:
    """A factory of platform sessions on ``engine``, with every hook in place."""
    factory = sessionmaker(engine, class_=PlatformSession, expire_on_commit=False)
    event.listen(factory, "do_orm_execute", _hold_all_where_no_row_can_be)
    event.listen(factory, "do_orm_execute", limit_to_reach)
    event.listen(factory, "before_flush", _before_flush)
    event.listen(factory, "after_flush", _after_flush)
    return factory


def _hold_all_where_no_row_can_be(state: ORMExecuteState) -> None:
    """SQLite locks no rows and takes FOR UPDATE for nothing: who would hold some holds the whole database before they read."""
    if getattr(state.statement, "_for_update_arg", None) is None or state.session.get_bind().dialect.name != "sqlite":
        return
    connection = state.session.connection()
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class Sessions(scoped_session[PlatformSession]):
    """A session for each context, used as if it were the one of now."""

    @property
    def session(self) -> Sessions:
        """Itself: where Flask-Admin looks for it."""
        return self


def _before_flush(session: Session, context: Any, instances: Any) -> None:
    write_links(session)
    check_reach(session)
    check_invariants(session)


def _after_flush(session: Session, context: Any) -> None:
    with acting_as(current_identity().serving()):
        _extend_paths(session)
        follow_up(session)
        write_history(session, context)


def _extend_paths(session: Session) -> None:
    """A unit's own path is its owner's plus its segment, which often holds the id the database has just given.

    What it owns and is added with it follows it there; one statement for each table.
    """
    extended = IdentitySet()
    moved: dict[type[Any], list[dict[str, Any]]] = defaultdict(list)
    for row in owners_first(session.new):
        owner: Any = owner_at_hand(row)
        if isinstance(row, Scoped) and (row.__segment__ or owner in extended):
            segment = row.__segment__ and row.__segment__.format(id=row.id, row=row) + "/"  # type: ignore[attr-defined]
            path = (owner.scope_path if owner in extended else row.scope_path) + segment
            attributes.set_committed_value(row, "scope_path", path)
            moved[type(row)].append({"row": row.id, "path": path})  # type: ignore[attr-defined]
            extended.add(row)
    for model, paths in moved.items():
        table = model.__table__
        session.connection().execute(update(table).where(table.c.id == bindparam("row")).values(scope_path=bindparam("path")), paths)


@contextmanager
def transaction(session: Session) -> Iterator[Session]:
    """One verb, one transaction: commit at the end, roll back on anything raised."""
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def insert_or(at: Session | Connection, table: Any) -> Any:
    """An insert that can be told what to do where the row is there already: ``.on_conflict_do_update(…)``."""
    name = (at if isinstance(at, Connection) else at.get_bind()).dialect.name
    dialect: Any = postgresql if name == "postgresql" else sqlite
    return dialect.insert(table)


def insert_from(connection: Connection, table: Any, values: dict[str, Any], source: FromClause, *conditions: Any) -> None:
    """One row in ``table`` for each row of ``source`` that fits: ``values`` are columns of it, or the same for all.

    The database makes them out of its own rows, in one statement, however many they are.
    """
    columns = [value if isinstance(value, ColumnElement) else literal(value, table.c[name].type) for name, value in values.items()]
    connection.execute(insert(table).from_select(list(values), select(*columns).select_from(source).where(*conditions)))
