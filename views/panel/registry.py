"""Which view serves which table: a hand-written subclass where there is one, a generated one everywhere else."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder

import models
import rules
import views
from models.base import declared, table_name
from views.panel.api import make_api
from views.panel.declarations import check_screens
from views.panel.screens import PanelView, acts_of


def load_areas() -> None:
    """Import every module of models, rules and views, so that what an area declares, registers or writes counts by being there."""
    for floor in (models, rules, views):
        for module in iter_modules(floor.__path__):
            if not module.ispkg:
                import_module(f"{floor.__name__}.{module.name}")


def written_views() -> dict[type[Any], type[PanelView]]:
    """The hand-written views by model; the most derived one wins."""
    found: dict[type[Any], type[PanelView]] = {}
    waiting = list(PanelView.__subclasses__())
    while waiting:
        view = waiting.pop(0)
        if "model" in view.__dict__:
            found[view.model] = view
        waiting.extend(view.__subclasses__())
    return found


def register_panel(app: Flask, appbuilder: AppBuilder) -> None:
    """Give every declared table its screens; ``app.extensions["panel"]`` is table → view.

    Raises DeclarationError when one of them asks for what no screen could draw.
    """
    written, panel = written_views(), {}
    serving = {model: written.get(model) or type(f"{model.__name__}View", (PanelView,), {"model": model}) for model in declared()}
    check_screens({model: acts_of(model, view.verbs) for model, view in serving.items()})
    for model, view in serving.items():
        panel[table_name(model)] = appbuilder.add_view_no_menu(view, endpoint=table_name(model))
        appbuilder.add_api(make_api(model))
    app.extensions["panel"] = panel
