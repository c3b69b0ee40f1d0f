"""Which row of another table a cell means: the one of that code or name, within reach.

Looked up for a thousand rows at a time and remembered. The one thing a newcomer gets wrong: a name that two rows in reach bear
is nobody's, and a row out of reach is answered like one that does not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.fields import Field, fields_of
from models.scoping import Scoped, Shared
from models.violation import RuleViolation
from views.panel.excel.sheets import REMEMBERED, name_column

ASKED_AT_ONCE = 1000


class Found(NamedTuple):
    """A linked row: its id and, where it is owned by a unit or is one, its path."""

    id: int
    path: str = ""


class LinkFinder:
    """Finds the rows that the cells of one link field name."""

    def __init__(self, session: Session, field: Field) -> None:
        self._session, self._field, self._target = session, field, field.target
        self._known: dict[str, list[Found]] = {}
        self._columns = _naming_columns(field.target)

    def learn(self, texts: Iterable[str]) -> None:
        """Ask for all of ``texts`` at once; what is known already is not asked again."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        unknown = sorted({text for text in texts if text} - self._known.keys())
        for start in range(0, len(unknown), ASKED_AT_ONCE):
            self._ask(unknown[start : start + ASKED_AT_ONCE])

    def find(self, text: str) -> Found:
        """The row called so; RuleViolation when there is none in reach, or more than one."""
        if text not in self._known:
            self._ask([text])
        found = self._known[text]
        if not found:
            raise self._refusal("「{label}」没有找到“{value}”，请填写系统里已有的名称或代码。", text)
        if len(found) > 1:
            raise self._refusal("「{label}」有 {count} 个都叫“{value}”，请改填代码。", text, count=len(found))
        return found[0]

    def _ask(self, texts: list[str]) -> None:
        target = self._target
        path = [target.scope_path] if issubclass(target, Scoped) else []
        query = select(target.id, *path, *self._columns).where(or_(*(column.in_(texts) for column in self._columns)))
        if issubclass(target, Shared):
            query = query.where(target.is_active.is_(True))  # type: ignore[attr-defined]
        called: list[dict[str, set[Found]]] = [defaultdict(set) for _column in self._columns]
        for row in self._session.execute(query) if self._columns else ():
            found = Found(*row[: 1 + len(path)])
            for names, name in zip(called, row[1 + len(path) :], strict=True):
                names[name].add(found)
        for text in texts:
            # A code comes before a name: only names are shared.
            matches = next((names[text] for names in called if text in names), set())
            self._known[text] = sorted(matches)

    def _refusal(self, sentence: str, text: str, **words: object) -> RuleViolation:
        return RuleViolation(sentence, self._field.name, label=_(self._field.label), value=text[:30], **words)


def _naming_columns(target: type[Any]) -> list[Any]:
    """The columns a row is found by: its natural key where that is one text, then its name."""
    key = target.__screen__.key if target.__screen__ is not None else ()
    coded = [fields_of(target)[name] for name in key] if len(key) == 1 else []
    columns = [getattr(target, field.key) for field in coded if field.kind == "text"]
    name = name_column(target)
    return columns + ([name] if name is not None else [])
