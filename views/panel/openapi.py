"""What the OpenAPI document says of a declared table, from its declaration."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from models.fields import Field, form_fields, shown_fields

TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "link": {"type": "integer"},
    "links": {"type": "array", "items": {"type": "integer"}},
    "json": {},
}


def property_of(field: Field) -> dict[str, Any]:
    """The schema of one field, with its label."""
    told = {**TYPES.get(field.kind, {"type": "string"}), "description": " ".join(_(text) for text in (field.label, field.help) if text)}
    if field.choices:
        told["enum"] = [member.value for member in field.choices]
    if field.most and field.kind == "text":
        told["maxLength"] = field.most
    return told


def schema_of(fields: list[Field]) -> dict[str, Any]:
    """The schema of a written record."""
    schema: dict[str, Any] = {"type": "object", "properties": {f.name: property_of(f) for f in fields}}
    required = [f.name for f in fields if f.required]
    return schema | ({"required": required} if required else {})


def describe(model: type[Any]) -> dict[str, Any]:
    """Route method → HTTP method → operation, for the table's REST resource."""
    label = _(model.__screen__.label)
    read = {
        "200": {
            "description": label,
            "content": {"application/json": {"schema": schema_of([f for f in shown_fields(model) if f.kind != "json"])}},
        }
    }
    refusals = {
        code: {"description": _(text)}
        for code, text in (("403", "没有权限"), ("404", "不在管理范围内"), ("409", "已被他人修改"), ("422", "不符合规则，附各字段的说明"))
    }
    query = [
        {"in": "query", "name": name, "schema": {"type": "string"}}
        for name in ("q", "sort", "page", "size", *(f"f.{n}" for n in (*model.__screen__.facets, *model.__screen__.filters)))
    ]

    confirmed = [
        {
            "in": "query",
            "name": "confirmed",
            "schema": {"type": "string", "enum": ["1"]},
            "description": _("已看过会影响谁（409 的说明），仍要保存或删除。"),
        }
    ]

    def body(adding: bool) -> dict[str, Any]:
        return {"required": True, "content": {"application/json": {"schema": schema_of(form_fields(model, adding))}}}

    return {
        "get_list": {"get": {"summary": _("%(table)s：列表", table=label), "parameters": query, "responses": read}},
        "get": {"get": {"summary": _("%(table)s：一条记录", table=label), "responses": read | refusals}},
        "post": {"post": {"summary": _("%(table)s：新增", table=label), "requestBody": body(True), "responses": refusals}},
        "put": {
            "put": {
                "summary": _("%(table)s：修改", table=label),
                "parameters": confirmed,
                "requestBody": body(False),
                "responses": refusals,
            }
        },
        "delete": {"delete": {"summary": _("%(table)s：删除", table=label), "parameters": confirmed, "responses": refusals}},
    }
