"""What hand-made pages have in common: the session, the person, and a form that loses nothing when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, request
from flask_appbuilder import BaseView
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.scoping import Identity, current_identity
from models.violation import RuleViolation
from views.panel.forms import errors_of, place


class PageView(BaseView):  # type: ignore[misc]
    """Base of hand-made pages."""

    route_base = ""

    @property
    def db(self) -> Session:
        return current_app.extensions["db"]()  # type: ignore[no-any-return]

    @property
    def identity(self) -> Identity:
        return current_identity()

    @property
    def settings(self) -> Any:
        return current_app.extensions["settings"]

    @property
    def secret(self) -> bytes:
        """What keys the hashes of codes."""
        return str(self.settings.secret_key).encode()

    def ask(self, template: str, form: FlaskForm, act: Callable[[FlaskForm], Response], **context: Any) -> Response:
        """Show the form, or do what it asks: a refusal stands beside its field with everything typed kept."""
        if request.method == "POST" and form.validate():
            try:
                return act(form)
            except RuleViolation as refusal:
                place(form, refusal)
        errors = errors_of(form)
        return self.render_template(template, form=form, errors=errors, **context), 422 if errors else 200  # type: ignore[return-value]
