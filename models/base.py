"""How a table is declared: Record, field(), link(), the column vocabulary and Screen.

One declaration feeds every screen, door and permission, so it is checked the moment the class is created: what is missing is
said in one sentence. The one thing a newcomer gets wrong: a class also has to say how its rows are reached (``Scoped``,
``Published``, ``Personal``, ``Shared`` … in :mod:`models.scoping`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from inspect import signature
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from flask_appbuilder import Model as FabModel
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.orm.properties import MappedColumn

from models.declaring import GUIDE, DeclarationError, check_options

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
FabModel.metadata.naming_convention = NAMING


class Choice(enum.Enum):
    """An enumeration whose members carry their Chinese label: ``PASSED = "passed", "认证通过", "green", "已通过"``.

    Optional: the colour of its badge, the word its facet uses where the manuals use another (Z-07), and other words for it that an
    import takes (Z-03).
    """

    label: str
    colour: str
    facet: str
    aliases: tuple[str, ...]

    def __new__(cls, value: str, label: str, colour: str = "", facet: str = "", aliases: tuple[str, ...] = ()) -> Choice:
        member = object.__new__(cls)
        member._value_ = value
        member.label, member.colour, member.facet, member.aliases = label, colour, facet or label, aliases
        return member

    def __str__(self) -> str:
        return self.label


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, naive UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None else None


ZONE = ZoneInfo("Asia/Shanghai")
"""Where moments are shown and days begin."""


def utcnow() -> datetime:
    """The present moment, aware UTC."""
    return datetime.now(UTC)


PathString = String(160).with_variant(String(160, collation="C"), "postgresql")
"""Scope paths compare byte by byte, so that a range over an index means "everything below"."""

Name = Annotated[str, mapped_column(String(100).with_variant(String(100, collation="C"), "postgresql"))]
Code = Annotated[str, mapped_column(String(40).with_variant(String(40, collation="C"), "postgresql"))]
"""Names and codes too: a prefix is then a range over their index on every database."""
Sentence = Annotated[str, mapped_column(String(500))]
LongText = Annotated[str, mapped_column(Text)]
Hours = Annotated[Decimal, mapped_column(Numeric(8, 2))]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
Day = Annotated[date, mapped_column(Date)]
Count = Annotated[int, mapped_column(Integer)]
Flag = Annotated[bool, mapped_column(Boolean)]
Json = Annotated[Any, mapped_column(JSON)]


COLUMN_OPTIONS = tuple(signature(mapped_column).parameters)


def field(
    label: str,
    *spec: Any,
    help: str = "",
    mask: str = "",
    act: str = "",
    readonly: bool = False,
    fixed: bool = False,
    hidden: bool = False,
    example: str = "",
    aliases: Sequence[str] = (),
    target: type[Base] | str | None = None,
    **column: Any,
) -> MappedColumn[Any]:
    """A column with what the screens need to know of it.

    ``mask`` names a mask of ``rules.masks`` put over the value for whoever does not hold ``act`` on the table (default
    ``reveal``); ``act`` without ``mask`` hides the field from them altogether. ``readonly`` fields are written by services
    only, ``fixed`` ones can be given when a row is added and never edited, ``hidden`` ones appear on no screen.
    ``aliases`` are other headings under which an import recognises the column.
    """
    details = {
        "label": label,
        "help": help,
        "mask": mask,
        "act": act or ("reveal" if mask else ""),
        "readonly": readonly,
        "fixed": fixed,
        "hidden": hidden,
        "example": example,
        "aliases": tuple(aliases),
        "target": target,
    }
    check_options("field(…)", column, [*details, *COLUMN_OPTIONS])
    return mapped_column(*spec, info=details, **column)


def choice(kind: type[Choice], label: str, **options: Any) -> MappedColumn[Any]:
    """A column that holds one member of ``kind``, stored by value."""
    stored = Enum(
        kind,
        native_enum=False,
        length=20,
        create_constraint=False,
        values_callable=lambda members: [m.value for m in members],
        validate_strings=True,
    )
    return field(label, stored, **options)


def link(target: type[Base] | str, label: str, *, ondelete: str = "RESTRICT", **options: Any) -> MappedColumn[Any]:
    """A many-to-one link; ``school_id = link(School, "学校")`` also gives the relationship ``school``.

    ``target`` is the class, or the name of the table being declared for a link to itself.
    """
    key = ForeignKey(f"{target}.id" if isinstance(target, str) else f"{target.__tablename__}.id", ondelete=ondelete)
    return field(label, key, target=target, index=options.pop("index", True), **options)


def links(target: type[Base], label: str, *, table: str, help: str = "") -> Any:
    """A many-to-many link kept in the association ``table``."""
    return _Links(target, label, table, help)


@dataclass(frozen=True)
class _Links:
    target: type[Base]
    label: str
    table: str
    help: str

    def build(self, owner: str) -> Any:
        this, other = f"{owner}_id", f"{self.target.__tablename__}_id"
        association = Table(
            self.table,
            FabModel.metadata,
            Column(this, ForeignKey(f"{owner}.id", ondelete="CASCADE"), primary_key=True),
            Column(other, ForeignKey(f"{self.target.__tablename__}.id", ondelete="RESTRICT"), primary_key=True),
        )
        details = {"label": self.label, "help": self.help, "target": self.target}
        return relationship(self.target, secondary=association, lazy="selectin", info=details)


@dataclass(frozen=True)
class Screen:
    """What the generated screens of a table show; every name is a field of the class.

    ``acts`` are the generic acts the table knows; workflow steps and services add their own in ``rules``.
    ``key`` is the natural key by which an import recognises a row. ``order`` is the default sort (``-`` = descending).
    """

    label: str = ""
    menu: str = ""
    icon: str = "table"
    list: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    order: str = "-id"
    key: tuple[str, ...] = ()
    form: tuple[str, ...] | None = None
    show: tuple[str, ...] | None = None
    export: tuple[str, ...] | None = None
    acts: tuple[str, ...] = ("read", "add", "edit", "delete", "export", "import")
    extra_acts: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    console: bool = False
    history: bool = True
    unit: str = "条记录"
    empty: str = ""
    add_label: str = ""
    """What the button that adds a row says, and the form it opens; empty: 新增 and the noun."""
    edit_label: str = ""
    """What the button that edits a row says, and the form it opens; empty: 编辑."""
    delete_confirm_label: str = ""
    """What the button of a deletion's second confirmation says; empty: 删除."""
    rank: int = 100
    """Place in the menu, low first."""

    def __new__(cls, *_given: Any, **options: Any) -> Screen:
        check_options("Screen(…)", options, cls.__dataclass_fields__)
        return super().__new__(cls)

    def names(self) -> set[str]:
        """Every field name the screen mentions."""
        given = (
            self.list,
            self.search,
            self.facets,
            self.filters,
            self.sort,
            self.key,
            self.form or (),
            self.show or (),
            self.export or (),
        )
        return {name for group in given for name in group} | {self.order.removeprefix("-")}


class Base(DeclarativeBase):
    """Shares Flask-AppBuilder's registry and metadata, so that links to accounts and roles work."""

    registry = FabModel.registry
    metadata = FabModel.metadata

    __screen__: ClassVar[Screen | None]

    def __init_subclass__(cls, **options: Any) -> None:
        if "__tablename__" in cls.__dict__:
            _add_relationships(cls)
        super().__init_subclass__(**options)
        if "__tablename__" in cls.__dict__:
            check_declaration(cls)


class Record(Base):
    """A row with an id, its moments (UTC) and a version that lets nobody overwrite what they have not seen."""

    __abstract__ = True
    __named_by__: ClassVar[tuple[str, ...]] = ()
    """The links whose names are part of what a record is called."""

    id: Mapped[int] = mapped_column(Integer, primary_key=True, info={"label": "编号", "readonly": True}, sort_order=-10)
    created_at: Mapped[Moment] = field("创建时间", readonly=True, default=utcnow, sort_order=90)
    updated_at: Mapped[Moment] = field("更新时间", readonly=True, default=utcnow, onupdate=utcnow, sort_order=91)
    version: Mapped[int] = field("版本", readonly=True, hidden=True, default=1, sort_order=92)

    def __init_subclass__(cls, **options: Any) -> None:
        if "__tablename__" in cls.__dict__ and "__mapper_args__" not in cls.__dict__:
            cls.__mapper_args__ = {"version_id_col": cls.__dict__.get("version", Record.version)}
        super().__init_subclass__(**options)

    def __str__(self) -> str:
        return str(getattr(self, "name", None) or getattr(self, "title", None) or f"#{self.id}")


def _add_relationships(cls: type[Base]) -> None:
    for name, value in list(vars(cls).items()):
        if isinstance(value, _Links):
            setattr(cls, name, value.build(cls.__tablename__))
        elif isinstance(value, MappedColumn) and value.column.info.get("target") is not None:
            target = value.column.info["target"]
            if isinstance(target, str):
                value.column.info["target"] = cls
                itself = relationship(lambda: cls, foreign_keys=[value.column], remote_side=lambda: cls.__table__.c.id)
                setattr(cls, name.removesuffix("_id"), itself)
            else:
                setattr(cls, name.removesuffix("_id"), relationship(target, foreign_keys=[value.column]))


def check_declaration(cls: type[Any]) -> None:
    """Raise DeclarationError, in one sentence, for what a declared class leaves out."""
    from models.scoping import reach_kind

    if not hasattr(cls, "__screen__"):
        raise DeclarationError(f"{cls.__name__} has no __screen__; say Screen(...) or None, see {GUIDE}")
    if reach_kind(cls) is None:
        raise DeclarationError(f"{cls.__name__} does not say how its rows are reached (Scoped, Published, Personal, Shared …), see {GUIDE}")
    if cls.__dict__.get("__files__"):
        from models.files import check_slots

        check_slots(cls)
    screen = cls.__dict__.get("__screen__")
    if screen is None:
        return
    known = set(vars(cls)) | {name for base in cls.__mro__ for name in vars(base)}
    unknown = sorted(name for name in screen.names() if name.split(".")[0] not in known)
    if unknown:
        raise DeclarationError(f"{cls.__name__}.__screen__ names no field called {', '.join(unknown)}, see {GUIDE}")


def declared() -> list[type[Base]]:
    """Every table that has screens, in menu order."""
    found = {m.class_ for m in Base.registry.mappers if getattr(m.class_, "__screen__", None) is not None}
    return sorted(found, key=lambda c: (c.__screen__.rank, c.__tablename__))


def row_id(text: object) -> int | None:
    """The row id written in ``text``, or None: an address or a form may say anything, a database column not."""
    digits = str(text)
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else 0
    return number if 0 < number < 2**31 else None


def table_name(cls: type[Any]) -> str:
    """By what grants, addresses and history call a class: its table, unless it says ``__subject__`` (``account``)."""
    return str(getattr(cls, "__subject__", None) or cls.__tablename__)


def by_table(table: str) -> type[Base]:
    """The declared class called ``table``; KeyError if there is none."""
    return {table_name(c): c for c in declared()}[table]
