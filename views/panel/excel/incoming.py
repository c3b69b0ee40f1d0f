"""One column of an upload: what its cells mean to the table, or the sentence that says why they mean nothing.

The grammar of a cell (dates, numbers, texts Excel has spoilt) is ``cells.parse_cell``; here it becomes what the database holds:
a member of an enumeration, the id of a linked row, a moment in UTC. The one thing a newcomer gets wrong: texts are trimmed as a
form trims them, so both doors write the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import ZONE
from models.fields import Field
from models.invariants import check_digits
from models.violation import RuleViolation
from rules.masks import MASKS, STAR
from views.panel.excel.cells import parse_cell
from views.panel.excel.columns import LINKS_SEPARATOR
from views.panel.excel.links import Found, LinkFinder
from views.panel.excel.sheets import sheet_column
from views.panel.words import in_every_language

LARGEST_INT = 2**31 - 1
_SEPARATORS = re.compile(f"[{LINKS_SEPARATOR};\n]")


class Incoming:
    """The cells of one field, standing at ``position`` of every row."""

    def __init__(self, session: Session, model: type[Any], field: Field, position: int, *, optional: bool = False) -> None:
        self.field, self.position, self.label = field, position, _(field.label)
        self.nullable = field.kind == "links" or bool(model.__mapper__.columns[field.key].nullable)
        self._sheet = sheet_column(field, optional=optional or field.readonly)
        self._type = None if field.kind == "links" else model.__mapper__.columns[field.key].type
        self._finder = LinkFinder(session, field) if field.kind in ("link", "links") else None
        words = ((member, said) for member in field.choices for said in (member.label, *member.aliases))
        self._members = {word: member for member, said in words for word in in_every_language(said)}
        self._read = {"choice": self._member, "link": self._link, "links": self._links}.get(field.kind, self._plain)

    def learn(self, cells: Collection[Any]) -> None:
        """Look up at once what the cells of many rows link to."""
        if self._finder is not None:
            texts = {cell for cell in cells if isinstance(cell, str)}
            if self.field.kind == "links":
                texts = {part for text in texts for part in _SEPARATORS.split(text)}
            self._finder.learn({text.strip() for text in texts})

    def value(self, cell: Any) -> Any:
        """What the database would hold, None for an empty cell; RuleViolation says why it cannot be."""
        return self._read(cell)

    def linked(self, cell: Any) -> Found | None:
        """The row a link's cell names."""
        text = parse_cell(self._sheet, cell)
        return self._finder.find(str(text)) if self._finder is not None and text is not None else None

    def is_mask(self, cell: Any) -> bool:
        """Whether the cell holds what the platform shows to who may not see the value."""
        return bool(self.field.mask) and isinstance(cell, str) and STAR in cell and MASKS[self.field.mask](cell) == cell

    def same(self, value: Any, stored: Any) -> bool:
        """Whether ``value`` is what is stored already; a sheet keeps no more of a moment than its second."""
        if isinstance(value, datetime) and isinstance(stored, datetime):
            return abs((value - stored).total_seconds()) < 1
        if self.field.kind == "links":
            return set(value) == set(stored or ())
        return bool(value == stored) or (value is None and stored == "")

    def _plain(self, cell: Any) -> Any:
        value = parse_cell(self._sheet, cell)
        if isinstance(value, str):
            return value.strip() or None
        if isinstance(value, datetime):
            return value.replace(tzinfo=ZONE).astimezone(UTC)
        if isinstance(value, Decimal):
            check_digits(self.field.name, self.label, self._type, value)
        elif isinstance(value, int) and abs(value) > LARGEST_INT:
            raise self._refusal("「{label}」的数字过大。")
        return value

    def _member(self, cell: Any) -> Any:
        member = self._members.get(cell.strip()) if isinstance(cell, str) else None
        if member is not None:
            return member
        word = parse_cell(self._sheet, cell)
        return self._members[str(word)] if word is not None else None

    def _link(self, cell: Any) -> int | None:
        found = self.linked(cell)
        return found.id if found is not None else None

    def _links(self, cell: Any) -> tuple[int, ...]:
        labels: Any = parse_cell(self._sheet, cell)
        finder = self._finder
        return tuple(finder.find(label).id for label in labels) if finder is not None else ()

    def _refusal(self, sentence: str, **words: object) -> RuleViolation:
        return RuleViolation(sentence, self.field.name, label=self.label, **words)
