"""What a declaration says of each field, read once per class: every screen, door and check asks here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import JSON, Boolean, Date, DateTime, Enum, Integer, Numeric, Text, inspect
from sqlalchemy.types import TypeDecorator

from models.base import Choice

Kind = Literal["text", "longtext", "int", "decimal", "bool", "date", "datetime", "choice", "link", "links", "json"]


@dataclass(frozen=True)
class Field:
    """One field as people know it. A link is named after its relationship (``school``), its column is ``school_id``."""

    name: str
    key: str
    label: str
    kind: Kind
    required: bool = False
    help: str = ""
    mask: str = ""
    act: str = ""
    readonly: bool = False
    fixed: bool = False
    hidden: bool = False
    example: str = ""
    aliases: tuple[str, ...] = ()
    target: Any = None
    choices: tuple[Choice, ...] = ()
    most: int | None = None

    @property
    def protected(self) -> bool:
        """Whether somebody without ``act`` sees it masked, or not at all."""
        return bool(self.act)

    @property
    def number(self) -> bool:
        return self.kind in ("int", "decimal")


def _kind(column: Any) -> Kind:
    stored = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    for types, kind in _KINDS:
        if isinstance(stored, types):
            return kind
    return "text"


_KINDS: tuple[tuple[type, Kind], ...] = (
    (Enum, "choice"),
    (Boolean, "bool"),
    (Integer, "int"),
    (Numeric, "decimal"),
    (DateTime, "datetime"),
    (Date, "date"),
    (JSON, "json"),
    (Text, "longtext"),
)


def fields_of(model: type[Any]) -> dict[str, Field]:
    """Field by name, in the order of the declaration."""
    if model not in _read:
        _read[model] = _read_fields(model)
    return _read[model]


_read: dict[type[Any], dict[str, Field]] = {}


def _read_fields(model: type[Any]) -> dict[str, Field]:
    mapper = inspect(model)
    found: dict[str, Field] = {}
    for key, column in mapper.columns.items():
        details = column.info
        if "label" not in details:
            continue
        target = details.get("target")
        name = key.removesuffix("_id") if target is not None else key
        required = not column.nullable and column.default is None and column.server_default is None
        found[name] = Field(
            name=name,
            key=key,
            label=details["label"],
            kind="link" if target is not None else _kind(column),
            required=required and not details.get("readonly", False),
            target=target,
            choices=tuple(column.type.enum_class) if isinstance(column.type, Enum) and column.type.enum_class else (),
            most=getattr(column.type, "length", None) if not isinstance(column.type, Enum) else None,
            **{k: details.get(k, d) for k, d in _PLAIN.items()},
        )
    for relation in mapper.relationships:
        if "label" in relation.info:
            found[relation.key] = Field(
                relation.key, relation.key, relation.info["label"], "links", help=relation.info["help"], target=relation.info["target"]
            )
    return found


_PLAIN: dict[str, Any] = {
    "help": "",
    "mask": "",
    "act": "",
    "readonly": False,
    "fixed": False,
    "hidden": False,
    "example": "",
    "aliases": (),
}


def chosen(model: type[Any], names: Sequence[str]) -> list[Field]:
    """The named fields, in the given order; relationships without a label of their own are left to the caller."""
    known = fields_of(model)
    return [known[name] for name in names]


def form_fields(model: type[Any], adding: bool) -> list[Field]:
    """What a form offers: what the screen names, or everything that is not written by services."""
    screen = model.__screen__
    fields = chosen(model, screen.form) if screen.form is not None else list(fields_of(model).values())
    return [f for f in fields if not (f.readonly or f.hidden or f.kind == "json" or (f.fixed and not adding))]


def shown_fields(model: type[Any]) -> list[Field]:
    """What a record page tells."""
    screen = model.__screen__
    fields = chosen(model, screen.show) if screen.show is not None else list(fields_of(model).values())
    return [f for f in fields if not f.hidden and f.name != "id"]


def exported_fields(model: type[Any]) -> list[Field]:
    """What an export may contain."""
    screen = model.__screen__
    return chosen(model, screen.export) if screen.export is not None else [f for f in shown_fields(model) if f.kind != "json"]
