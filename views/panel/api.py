"""REST at ``/api/v1/<table>/``: the same grants, scope, masks and rules as the screens, because it is the same listing and form.

A token is needed (JWT by ``/api/v1/security/login``, or an API key); a browser's cookie is not accepted, so no other site can use
it. A link is an object ``{"id", "text"}`` when read and an id when written.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import abort, current_app, request, url_for
from flask_appbuilder.api import BaseApi, expose, protect
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from models.base import Choice, row_id, table_name
from models.fields import Field, form_fields, shown_fields
from models.invariants import what_keeps
from models.scoping import Identity, Scoped, current_identity, row_in_reach
from models.violation import Conflict, RuleViolation, Sentence
from views.panel.attaching import files_told
from views.panel.cells import in_clear, shown_text, visible
from views.panel.forms import fill, make_form, place
from views.panel.listing import Listing, read_state
from views.panel.openapi import describe
from views.panel.words import refused, told


class PanelApi(BaseApi):  # type: ignore[misc]
    """The REST resource of one declared table."""

    model: ClassVar[type[Any]]
    version = "v1"
    csrf_exempt = True
    allow_browser_login = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        acts = {"read": ("get_list", "get"), "add": ("post",), "edit": ("put",), "delete": ("delete",)}
        cls.include_route_methods = {m for act, methods in acts.items() if act in cls.model.__screen__.acts for m in methods}
        cls.resource_name = cls.class_permission_name = cls.openapi_spec_tag = table_name(cls.model)
        cls.method_permission_name = {"get_list": "read", "get": "read", "post": "add", "put": "edit", "delete": "delete"}
        cls.base_permissions = [f"can_{act}" for act in cls.model.__screen__.acts if act in ("read", "add", "edit", "delete")]

    @property
    def db(self) -> Session:
        return current_app.extensions["db"]()  # type: ignore[no-any-return]

    @property
    def identity(self) -> Identity:
        return current_identity()

    @property
    def table(self) -> str:
        return table_name(self.model)

    def operation_helper(self, path: Any = None, operations: Any = None, methods: Any = None, func: Any = None, **options: Any) -> None:
        """The OpenAPI document is made from the declaration, not from docstrings."""
        for method in methods:
            told = describe(self.model)[func.__name__][method.lower()]
            operations[method.lower()] = {**told, "security": [{"jwt": []}, {"api_key": []}]}

    # --- reading ------------------------------------------------------------------------------------------------------

    @expose("/", methods=["GET"])
    @protect()
    def get_list(self) -> Response:
        """Rows in reach; the address is the list's own (q, f.<field>, sort, page, size)."""
        view = current_app.extensions["panel"][self.table]
        state = read_state(request.args)
        listing = Listing(self.db, self.identity, self.model, state, extra=view.list_conditions(state.only))
        fields = self._fields()
        rows = listing.rows([f.name for f in fields if f.kind in ("link", "links")])
        files = files_told(self.db, rows)
        told = [self._told(row, fields) | files[row.id] for row in rows]
        return self.response(200, count=listing.total(), page=state.page, size=state.size, result=told)  # type: ignore[no-any-return]

    @expose("/<pk>", methods=["GET"])
    @protect()
    def get(self, pk: str) -> Response:
        """One record in reach."""
        row = self._row(pk)
        return self.response(200, id=int(row.id), result=self._told(row, self._fields()) | files_told(self.db, [row])[row.id])  # type: ignore[no-any-return]

    def _fields(self) -> list[Field]:
        return [f for f in shown_fields(self.model) if visible(f, self.identity, self.table)]

    def _told(self, row: Any, fields: list[Field]) -> dict[str, Any]:
        """The record as JSON; protected values masked exactly as on the screens."""
        path = row.scope_path if isinstance(row, Scoped) else None
        told = {f.name: _json(f, getattr(row, f.name), in_clear(f, self.identity, self.table, path)) for f in fields}
        return {"id": row.id, **({"version": row.version} if hasattr(row, "version") else {}), **told}

    def _row(self, pk: str) -> Any:
        number = row_id(pk)
        row = self.db.get(self.model, number) if number is not None else None
        if row is None:
            abort(404)
        return row

    # --- writing ------------------------------------------------------------------------------------------------------

    @expose("/", methods=["POST"])
    @protect()
    def post(self) -> Response:
        """A new record: 201, or 422 with the sentences by field."""
        fields = [f for f in form_fields(self.model, adding=True) if visible(f, self.identity, self.table)]
        row = self.model()
        refusal = self._write(row, "add", fields, self._body(fields))
        if refusal is not None:
            return refusal
        answer = self.response(201, id=row.id, result=self._told(row, self._fields()))
        answer.headers["Location"] = url_for(f"{self.endpoint}.get", pk=row.id)
        return answer  # type: ignore[no-any-return]

    @expose("/<pk>", methods=["PUT"])
    @protect()
    def put(self, pk: str) -> Response:
        """Change the given fields; 409 when ``version`` is not the one last read."""
        row = self._row(pk)
        if not row_in_reach(row, self.identity, "edit"):
            abort(403)
        path = row.scope_path if isinstance(row, Scoped) else None
        fields = [f for f in form_fields(self.model, adding=False) if in_clear(f, self.identity, self.table, path)]
        body = self._body(fields)
        if "version" in body and body.pop("version") != row.version:
            return self.response(409, message=_("这条记录刚刚被他人修改，请查看最新内容后再试。"))  # type: ignore[no-any-return]
        given = [f for f in fields if f.name in body]
        refusal = self._write(row, "edit", given, body)
        return refusal if refusal is not None else self.response(200, id=row.id, result=self._told(row, self._fields()))

    @expose("/<pk>", methods=["DELETE"])
    @protect()
    def delete(self, pk: str) -> Response:
        """Delete a record, or say what keeps it (409)."""
        row = self._row(pk)
        if not row_in_reach(row, self.identity, "delete"):
            abort(403)
        kept = what_keeps(self.db, row)
        if kept:
            return self.response(409, message=told(Sentence.of(kept)))  # type: ignore[no-any-return]
        if why := self._unconfirmed("delete", row):
            return self.response(409, message=why)  # type: ignore[no-any-return]
        try:
            self.db.delete(row)
            self.db.commit()
        except RuleViolation as refusal:
            return self.response(409, message=refused(refusal))  # type: ignore[no-any-return]
        return self.response(200, message=_("已删除。"))  # type: ignore[no-any-return]

    def _body(self, fields: list[Field]) -> dict[str, Any]:
        """The JSON object sent, only with fields this person may write."""
        try:
            body = request.get_json(force=True)
        except BadRequest:
            body = None
        if not isinstance(body, dict):
            abort(400, _("请求内容应为 JSON 对象。"))
        unknown = [str(name) for name in body if name not in {f.name for f in fields} | {"version"}]
        if unknown:
            abort(400, _("这些字段不存在或不能写入：%(names)s。", names="、".join(unknown)[:200]))
        return body

    def _write(self, row: Any, act: str, fields: list[Field], body: dict[str, Any]) -> Response | None:
        """Through the same form and flush as the screens; None when saved, else the refusal."""
        form = make_form(fields, self.db, self.table, act, formdata=_as_form(fields, body))
        status = 422
        if form.validate():
            if why := self._unconfirmed(act, row, form):
                return self.response(409, message=why)  # type: ignore[no-any-return]
            try:
                with self.db.no_autoflush:
                    fill(row, form, fields, self.db)
                self.db.add(row)
                self.db.commit()
            except RuleViolation as refusal:
                status = 409 if isinstance(refusal, Conflict) else 422
                place(form, refusal)
            else:
                return None
        errors = {name or "_": [str(m) for m in messages] for name, messages in form.errors.items()}
        return self.response(status, message=_("没有保存，请检查各字段。"), errors=errors)  # type: ignore[no-any-return]

    def _unconfirmed(self, act: str, row: Any, form: Any | None = None) -> str:
        """What it would change for others, unless the address says ``confirmed=1`` as a form does; then, and otherwise, empty."""
        if request.args.get("confirmed") == "1":
            return ""
        view = current_app.extensions["panel"][self.table]
        why = view.asks_first(act, row, form)
        return told(Sentence.of([why, "还没有保存。确认无误后，请在地址中加上 confirmed=1 再发送。"])) if why else ""


def _json(field: Field, value: Any, clear: bool) -> Any:
    if value is None or (field.protected and not clear):
        return shown_text(field, value, clear=False) if value is not None and field.mask else None
    if field.kind == "link":
        return {"id": value.id, "text": str(value)}
    if field.kind == "links":
        return [{"id": v.id, "text": str(v)} for v in value]
    if isinstance(value, Choice):
        return value.value
    if field.kind in ("int", "bool", "json", "text", "longtext"):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _as_form(fields: list[Field], body: dict[str, Any]) -> MultiDict[str, str]:
    """JSON as a form would have sent it."""
    form: MultiDict[str, str] = MultiDict()
    for field in fields:
        value = body.get(field.name)
        if isinstance(value, list):
            form.setlist(field.name, [str(v) for v in value])
        elif isinstance(value, bool):
            form[field.name] = "y" if value else "false"
        elif isinstance(value, dict):
            form[field.name] = str(value.get("id", ""))
        elif value is not None:
            form[field.name] = str(value)
    return form


def make_api(model: type[Any]) -> type[PanelApi]:
    """The REST resource of a declared table."""
    return type(f"{model.__name__}Api", (PanelApi,), {"model": model})
