"""What Flask-AppBuilder breaks and this platform mends, each once; the tests beside the names failed before the repair."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from flask import current_app, g, has_request_context
from flask_appbuilder import baseviews, urltools
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.api.convert import Model2SchemaConverter
from flask_appbuilder.babel.manager import BabelManager
from flask_appbuilder.baseviews import BaseModelView
from flask_wtf import FlaskForm
from marshmallow_sqlalchemy import SQLAlchemyAutoSchema

from views.panel.words import FormWords

LAST_PAGE, LARGEST_PAGE = 10_000, 100


class RequestFilters:
    """Each request works on its own copy of a view's filter set; stock views share one between all threads (upstream #2366)."""

    def __set__(self, view: Any, value: Any) -> None:
        view.__dict__["_filters"] = value

    def __get__(self, view: Any, owner: Any = None) -> Any:
        if view is None:
            return self
        shared = view.__dict__.get("_filters")
        if shared is None or not has_request_context():
            return shared
        mine = g.setdefault("_view_filters", {})
        if view not in mine:
            mine[view] = copy.copy(shared)
            mine[view].clear_filters()
        return mine[view]


class KeySafeConverter(Model2SchemaConverter):  # type: ignore[misc]
    """REST schemas keep foreign keys (marshmallow-sqlalchemy drops them, marshmallow 4 then misses them)."""

    def _meta_schema_factory(self, columns: Any, model: Any, class_mixin: Any, parent_schema_name: str | None = None) -> Any:
        meta: dict[str, Any] = {
            "model": model,
            "load_instance": True,
            "include_fk": True,
            "sqla_session": current_app.extensions["appbuilder"].session,
            "parent_schema_name": parent_schema_name,
        }
        if columns:
            meta["fields"] = columns
        return type("MetaSchema", (SQLAlchemyAutoSchema, class_mixin), {"Meta": type("Meta", (), meta)})


def _or_nothing(read: Callable[[], dict[str, int]], least: int, most: int) -> Callable[[], dict[str, int]]:
    """A page or its size in an address that is no number, or one no list has, counts as not given (upstream: a crash)."""

    def numbers() -> dict[str, int]:
        try:
            return {name: number for name, number in read().items() if least <= number <= most}
        except ValueError:
            return {}

    return numbers


def _filters_there_are(filters: Any, **options: Any) -> None:
    """Filters in an address, unless one of them is none the view has (upstream: a crash)."""
    try:
        urltools.get_filter_args(filters, **options)
    except (IndexError, KeyError):
        filters.clear_filters()


def repair_flask_appbuilder() -> None:
    """Apply the repairs; safe to call again."""
    BaseModelView._filters = RequestFilters()
    ModelRestApi._filters = RequestFilters()
    ModelRestApi.model2schemaconverter = KeySafeConverter
    # Its page at /lang/ forgets where the reader was; ours (views.auth) stands there instead.
    BabelManager.register_views = lambda self: None
    baseviews.get_page_args = _or_nothing(urltools.get_page_args, 0, LAST_PAGE)
    baseviews.get_page_size_args = _or_nothing(urltools.get_page_size_args, 1, LARGEST_PAGE)
    baseviews.get_filter_args = _filters_there_are
    FlaskForm.Meta.get_translations = lambda self, form: FormWords()
