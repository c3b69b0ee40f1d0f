"""Forms made from a declaration: native controls, remote selects within reach, booleans that can be false.

A link to few rows is a plain select; to many rows it is a select that asks the server while one types. Without JavaScript it
still offers the first rows and whatever is chosen now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms import Field as WtField
from wtforms.fields.choices import Choice as Option
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from models.base import ZONE, Choice, by_table, row_id, table_name
from models.fields import Field, fields_of
from models.inside import begins
from models.offers import offered
from models.people import Teacher
from models.scoping import Identity, Scoped, Shared, acting_as, below, current_identity, reach_kind
from models.violation import RuleViolation
from views.panel.cells import is_open_to_questions
from views.panel.listing import lean, named_by
from views.panel.reference import options
from views.panel.words import refused

FIRST_OPTIONS = 50


def choices_of(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a select is made with: values and labels."""
    return [SelectChoice(value, label) for value, label in pairs]


class ShanghaiDateTimeField(DateTimeLocalField):
    """A moment typed in Shanghai time, kept in UTC."""

    def process_data(self, value: datetime | None) -> None:
        self.data = value.astimezone(ZONE).replace(tzinfo=None) if value else None

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = self.data.replace(tzinfo=ZONE)


class LinkField(SelectField):
    """One row of another table, by id, out of those within reach.

    ``reach`` widens what may be chosen where a person chooses before they belong anywhere (their school, at registration);
    ``within`` narrows it to the rows at and below these paths; ``among`` are the rows to choose from where a rule says which, and
    ``why`` is what it says to any other.
    """

    known: int | None = None
    """Whom the row names already: it may be left so, also where that person is out of reach by now."""

    def __init__(
        self,
        label: str,
        validators: Sequence[Any],
        *,
        target: type[Any],
        session: Session,
        remote_url: str,
        reach: Identity | None = None,
        within: tuple[str, ...] | None = None,
        among: Select[Any] | None = None,
        why: str = "",
        **options: Any,
    ) -> None:
        super().__init__(label, validators, choices=[], coerce=_id_or_none, **options)
        self.why = why or "所选记录不存在或不在您的管理范围内。"
        self.target, self.session, self.reach, self.within, self.among = target, session, reach, within, among
        self.render_kw = {"data-remote": remote_url}

    def find(self, number: int) -> Any:
        """The row of this id, if it may be chosen."""
        serving = current_identity().serving()
        if self.among is not None and number != self.known:
            with acting_as(serving):
                return self.session.scalars(self.among.where(self.target.id == number)).one_or_none()
        with acting_as(serving if number == self.known else self.reach or current_identity()):
            found = self.session.get(self.target, number)
        is_there = found is not None and (self.within is None or number == self.known or found.scope_path.startswith(self.within))
        return found if is_there else None

    def offer(self, rows: Sequence[tuple[int, str]]) -> None:
        """Fill the options: what is chosen now, then the first rows in reach."""
        offered = dict(rows)
        if self.data and self.data not in offered:
            chosen = self.find(self.data)
            offered = {self.data: str(chosen), **offered} if chosen is not None else offered
        self.choices = [("", _("请选择")), *((str(i), text) for i, text in offered.items())]

    def pre_validate(self, form: Any) -> None:
        """The chosen row must exist within reach; nothing else is looked up."""
        if self.data is not None and self.find(self.data) is None:
            raise ValidationError(_(self.why))


class LinksField(SelectMultipleField):
    """Several rows of a small reference table."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, *, target: type[Any], session: Session, **options: Any) -> None:
        super().__init__(label, [Optional()], coerce=int, **options)
        self.target, self.session = target, session

    def process_data(self, value: Any) -> None:
        self.data = [row.id for row in value or ()]


class ChoiceField(SelectField):
    """A member of an enumeration, by its value."""

    def __init__(self, label: str, validators: Sequence[Any], *, members: tuple[Choice, ...], **options: Any) -> None:
        by_value = {m.value: m for m in members}
        choices = choices_of([("", lazy_gettext("请选择")), *((m.value, lazy_gettext(m.label)) for m in members)])
        super().__init__(label, validators, choices=choices, coerce=lambda v: v if isinstance(v, Choice) else by_value.get(v), **options)

    def process_data(self, value: Any) -> None:
        self.data = value

    def iter_choices(self) -> Any:
        for value, label, _attributes, _group in self.choices:
            yield Option(value, label, (self.data.value if isinstance(self.data, Choice) else "") == value, {})

    def pre_validate(self, form: Any) -> None:
        if self.data is None and self.raw_data and self.raw_data[0]:
            raise ValidationError(_("请从列表中选择。"))


def _id_or_none(value: Any) -> int | None:
    if value in (None, "", "None"):
        return None
    if hasattr(value, "id"):
        return int(value.id)
    number = row_id(value)
    if number is None:
        raise ValueError("not an id")
    return number


def _is_a_number(form: Any, control: Any) -> None:
    """What Python takes for a Decimal may be none: NaN, Infinity."""
    if control.data is not None and not control.data.is_finite():
        raise ValidationError(_("须为数字。"))


def _checks(field: Field) -> list[Any]:
    checks: list[Any] = [InputRequired(lazy_gettext("请填写此项。")) if field.required else Optional()]
    if field.kind in ("text", "longtext") and field.most:
        checks.append(Length(max=field.most, message=lazy_gettext("最多 %(max)d 个字。")))
    if field.kind == "int":
        checks.append(NumberRange(-2_147_483_648, 2_147_483_647, lazy_gettext("数字过大。")))
    if field.kind == "decimal":
        checks.append(_is_a_number)
    return checks


def offered_among(field: Field, table: str, act: str) -> tuple[Select[Any], str] | None:
    """The rows from which a link of a form is chosen where a rule says which, and what it says to others; None where reach says it."""
    return offered(by_table(table), field.name, current_identity(), act) if act in ("add", "edit") else None


def offered_within(field: Field, table: str, act: str) -> tuple[str, ...] | None:
    """Below which paths the rows lie that a link of a form may name; None where all that are read will do.

    Many a person reads more than they may write: what a new row is to belong to, and what belongs to a unit like the row itself, lies
    where they may do ``act`` to such rows.
    """
    model = by_table(table)
    if offered_among(field, table, act) is not None:
        return None
    is_owner = act == "add" and field.name == getattr(model, "__owner__", "")
    is_narrow = is_owner or reach_kind(field.target) is Scoped
    return current_identity().paths(act, table) if is_narrow and issubclass(model, Scoped) else None


def control_for(field: Field, session: Session, table: str, act: str) -> Any:
    """The unbound WTForms control of a declared field in the form of ``act`` (add, edit)."""
    label, checks = lazy_gettext(field.label), _checks(field)
    common: dict[str, Any] = {"description": lazy_gettext(field.help) if field.help else ""}
    if field.kind == "link":
        remote = url_for(f"{table}.choices", name=field.name, act=act)
        among, why = offered_among(field, table, act) or (None, "")
        common |= {"within": offered_within(field, table, act), "among": among, "why": why}
        return LinkField(label, checks, target=field.target, session=session, remote_url=remote, **common)
    if field.kind == "links":
        return LinksField(label, target=field.target, session=session, **common)
    if field.kind == "choice":
        return ChoiceField(label, checks, members=field.choices, **common)
    if field.kind == "bool":
        return BooleanField(label, **common)
    if field.kind == "decimal":
        return DecimalField(label, checks, places=None, render_kw={"inputmode": "decimal"}, **common)
    simple: dict[str, type[WtField]] = {
        "int": IntegerField,
        "date": DateField,
        "datetime": ShanghaiDateTimeField,
        "longtext": TextAreaField,
    }
    render = {"maxlength": str(field.most)} if field.most and field.kind == "text" else {}
    return simple.get(field.kind, StringField)(
        label, checks, render_kw=render, filters=[_trimmed] if field.kind in ("text", "longtext") else [], **common
    )


def _trimmed(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    return text or None


def make_form(fields: Sequence[Field], session: Session, table: str, act: str, **given: Any) -> FlaskForm:
    """A bound form of ``fields`` to add or edit a row; ``given`` is passed to WTForms (``obj``, ``formdata``)."""
    controls = {field.name: control_for(field, session, table, act) for field in fields}
    form = type("DeclaredForm", (FlaskForm,), controls)(meta={"csrf": False}, **given)
    for field in fields:
        control = form[field.name]
        if field.kind == "link":
            _name_known(control, field, given.get("obj"))
            control.offer(first_options(session, field.target, within=control.within, among=control.among))
        elif field.kind == "links":
            control.choices = first_options(session, field.target)
    return form  # type: ignore[no-any-return]


def _name_known(control: LinkField, field: Field, row: Any | None) -> None:
    """A person whom the row names stays named, also when they are out of reach of who changes something else of it."""
    if row is None or field.target is not Teacher:
        return
    control.known = getattr(row, field.key)
    if control.raw_data is None:
        control.data = control.known


def first_options(
    session: Session, target: type[Any], text: str = "", within: tuple[str, ...] | None = None, among: Select[Any] | None = None
) -> list[tuple[int, str]]:
    """Id and label of the first rows of ``target`` in reach, ``within`` these paths or ``among`` these, whose name or code begins so.

    Only by what the person may ask for; what has neither, a policy or a participation, is offered as it is.
    """
    if issubclass(target, Shared):
        return [(i, name) for i, name in options(session, target) if name.startswith(text)]
    query = (select(target) if among is None else among).options(*lean(target), *named_by(target)).limit(FIRST_OPTIONS)
    if issubclass(target, Scoped) and among is None:
        query = query.order_by(target.scope_path)
    if within is not None:
        query = query.where(or_(false(), *(below(target.scope_path, path) for path in within)))
    searched = [fields_of(target)[name] for name in target.__screen__.search]
    if text and searched:
        open_ = [f.name for f in searched if is_open_to_questions(f, current_identity(), table_name(target))]
        query = query.where(or_(false(), *(begins(getattr(target, name), text) for name in open_)))
    with acting_as(current_identity() if among is None else current_identity().serving()):
        return [(row.id, str(row)) for row in session.scalars(query)]


def fill(row: Any, form: Any, fields: Sequence[Field], session: Session) -> None:
    """Write what was typed into ``row``; the flush asks whether it may be so."""
    for field in fields:
        value = form[field.name].data
        if field.kind == "link":
            if value != getattr(row, field.key):
                setattr(row, field.name, form[field.name].find(value) if value is not None else None)
        elif field.kind == "links":
            setattr(row, field.name, list(session.scalars(select(field.target).where(field.target.id.in_(value or [])))))
        elif value != getattr(row, field.name):
            setattr(row, field.name, value)


def place(form: Any, refusal: RuleViolation) -> None:
    """Put the sentence beside the field it belongs to, or on top of the form."""
    for name in (refusal.field, (refusal.field or "").removesuffix("_id")):
        if name and name in form:
            form[name].errors = [*form[name].errors, refused(refusal)]
            return
    form.form_errors.append(refused(refusal))


def errors_of(form: Any) -> list[tuple[str, str]]:
    """Every error with the id of its field, for the summary on top of the form."""
    beside = [(name, str(message)) for name, messages in form.errors.items() if name for message in messages]
    return beside + [("", str(message)) for message in form.form_errors]
