"""How a value is written for people: formatted, masked and translated, the same on every page and in every sheet.

The one thing a newcomer gets wrong: whoever needs a value's text asks here, so that a protected field is masked behind every door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import ZONE, Choice, table_name
from models.fields import Field
from models.people import Teacher
from models.scoping import SYSTEM, Identity, Personal, Scoped, acting_as
from rules.masks import MASKS
from views.panel.pages import Cell
from views.panel.words import listed

EMPTY = "--"
Words = Mapping[str, Callable[[Any], str]]


def visible(field: Field, identity: Identity, table: str) -> bool:
    """Whether the field appears at all: one that is restricted and has no mask does not, without the act."""
    return not field.act or bool(field.mask) or identity.may(field.act, table)


def in_clear(field: Field, identity: Identity, table: str, path: str | None = None) -> bool:
    """Whether this person may have the full value (of a row owned at ``path``)."""
    if not field.act:
        return True
    return identity.reaches(field.act, table, path) if path is not None else identity.may(field.act, table)


def withheld(field: Field, identity: Identity, table: str, path: str | None = None) -> bool:
    """Whether nothing is told of a row's value: restricted without a mask, and the act does not cover this row (at only one of several posts)."""
    return not field.mask and not in_clear(field, identity, table, path)


def is_open_to_questions(field: Field, identity: Identity, table: str) -> bool:
    """Whether the person may search, filter and sort by the field: a masked value must not be found out by asking.

    They may where the act covers every row they read; at only one of several posts it opens no question about the others' rows.
    """
    paths = (None, *identity.paths("read", table))
    return visible(field, identity, table) and all(in_clear(field, identity, table, path) for path in paths)


def moment_text(value: datetime) -> str:
    """2026.11.23 09:41 in Shanghai."""
    return value.astimezone(ZONE).strftime("%Y.%m.%d %H:%M")


def text_of(value: Any) -> str:
    """The value in words, empty for nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, Choice):
        return _(value.label)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.strftime("%Y.%m.%d")
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (list, tuple)):
        return listed(text_of(v) for v in value)
    return str(value)


def shown_text(field: Field, value: Any, *, clear: bool, words: Words | None = None) -> str:
    """The text of a field's value, masked unless ``clear``; ``words`` say what a stored word means (a role's label)."""
    if value is not None and field.mask and not clear:
        return MASKS[field.mask](str(value))
    if value is not None and words and field.name in words:
        return _(words[field.name](value))
    return text_of(value)


def cell_of(field: Field, row: Any, *, clear: bool = False, words: Words | None = None, linked: bool = True) -> Cell:
    """A field of ``row`` as a cell: masked unless ``clear``, states as badges, links to records that have a page."""
    value = getattr(row, field.name)
    text = shown_text(field, value, clear=clear, words=words)
    if value is None and isinstance(row, Scoped):
        text = row.called.get(field.name, "")
    if not text:
        return Cell(EMPTY, muted=True, number=field.number)
    badge = value.colour if isinstance(value, Choice) else ""
    href = _address(value) if linked and field.kind == "link" else ""
    return Cell(text, href=href, badge=badge, number=field.number, muted=bool(field.mask) and not clear)


def name_unreached(db: Session, rows: Sequence[Any], fields: Sequence[Field]) -> None:
    """Tell the rows what those are called whom they name and who are out of reach; one statement for each table, none where all are within.

    People; and of a row about oneself also what it belongs to, which one may have left.
    """
    unknown: dict[Any, list[tuple[Any, Field, int]]] = defaultdict(list)
    for field in fields:
        for row in rows:
            if _is_told(field, row) and getattr(row, field.name) is None and (key := getattr(row, field.key)) is not None:
                unknown[field.target].append((row, field, key))
    for target, found in unknown.items():
        names = _names(db, target, {key for *_which, key in found})
        for row, field, key in found:
            row.called = {**row.called, field.name: names.get(key, "")}


def _names(db: Session, target: Any, keys: set[int]) -> dict[int, str]:
    """What records are called, each asked for once a request: lists of one page name the same people."""
    known: dict[int, str] = db.info.setdefault(("called", target), {})
    if asked := keys - known.keys():
        name = target.name if hasattr(target, "name") else target.title
        with acting_as(SYSTEM):
            known.update({key: told for key, told in db.execute(select(target.id, name).where(target.id.in_(asked)))})
    return known


def _is_told(field: Field, row: Any) -> bool:
    is_owner = isinstance(row, Personal) and field.name == row.__owner__
    return field.kind == "link" and isinstance(row, Scoped) and (field.target is Teacher or is_owner)


def _address(target: Any) -> str:
    if getattr(type(target), "__screen__", None) is None or type(target).__screen__.console:
        return ""
    return url_for(f"{table_name(type(target))}.show", pk=target.id)
