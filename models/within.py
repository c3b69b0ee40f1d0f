"""How a statement carries the conditions of scope: as one option, described once.

The one thing a newcomer gets wrong: the description says what the conditions look like, never whose they are. The values, the
paths of a person, go along with it and are bound anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.orm.interfaces import CriteriaOption

_SHAPES: dict[tuple[Any, ...], int] = {}
_NUMBERS = count()
"""Never the same twice, so that two threads cannot give two descriptions one number."""


class Within(CriteriaOption):
    """The conditions of every class as one option of a statement.

    SQLAlchemy looks for a statement's SQL by a description of all its parts, and describing twenty options took longer than
    finding most rows. They never change, so their description, a number for each that differs, is made with them.
    """

    __slots__ = ("_conditions", "_shape", "_values")
    propagate_to_loaders = True

    def __init__(self, conditions: Iterable[tuple[type[Any], ColumnElement[bool] | None]]) -> None:
        """Of each class its condition, None where every row will do."""
        self._conditions = tuple(with_loader_criteria(cls, c, include_aliases=True) for cls, c in conditions if c is not None)
        keys = [described for condition in self._conditions if (described := condition._generate_cache_key()) is not None]
        assert len(keys) == len(self._conditions), "a condition that cannot be described would be taken for another"
        self._shape = _SHAPES.setdefault(tuple(key.key for key in keys), next(_NUMBERS))
        self._values = [value for key in keys for value in key.bindparams]

    def process_compile_state(self, compile_state: Any) -> None:
        self.get_global_criteria(compile_state.global_attributes)

    def process_compile_state_replaced_entities(self, compile_state: Any, mapper_entities: Any) -> None:
        self.get_global_criteria(compile_state.global_attributes)

    def get_global_criteria(self, attributes: dict[Any, Any]) -> None:
        for condition in self._conditions:
            condition.get_global_criteria(attributes)

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        number, again = anon_map.get_anon(self)
        if not again:
            bindparams.extend(self._values)
        return Within, number, self._shape
