"""A generated record page: facts, the buttons open to this person and why others are closed, related lists, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import bindparam, case, func, select

from models.access import Account
from models.base import Base, table_name
from models.fields import Field, fields_of, shown_fields
from models.files import slot_of
from models.history import Change, Decision
from models.people import Teacher
from models.scoping import SYSTEM, Published, acting_as
from rules.masks import MASKS
from views.panel.cells import EMPTY, in_clear, moment_text, name_unreached, text_of, visible, withheld
from views.panel.list_page import list_row
from views.panel.listing import Listing, ListState, lean
from views.panel.pages import Column, Fact, HistoryLine, RecordPage, Related
from views.panel.words import listed, told

if TYPE_CHECKING:
    from views.panel.screens import PanelView

HISTORY_LINES = 50
RELATED_ROWS = 5
ACTS = {
    "add": "新增",
    "edit": "修改",
    "delete": "删除",
    "reveal": "查看完整信息",
    "export": "导出",
    "import": "导入",
    "move": "调动",
    "lock": "密码多次错误，账号锁定",
    "unlock": "解锁",
    "reset": "重置密码",
    "change_password": "修改密码",
    "login_default": "用默认密码登录",
    "switch_identity": "切换身份",
    "bind": "绑定权限码",
    "revoke": "作废",
    "end": "岗位结束",
    "approve": "通过",
    "files": "附件变动",
    "delegate": "委托代理",
    "withdraw_delegate": "收回代理",
    "void": "冲销",
    "register": "登记学时",
    "archive": "归档",
    "add_members": "添加成员",
    "release_member": "移出成员",
}
"""What a line of history calls an act that is no workflow step."""
Linked = dict[tuple[Any, int], str]
"""Table and id → what the record is called."""


def record_page(view: PanelView, row: Any) -> RecordPage:
    """The page of one record within reach."""
    state = view.state_field()
    name_unreached(view.db, [row], shown_fields(view.model))
    return RecordPage(
        title=str(row),
        table=view.table,
        breadcrumbs=[(told(view.screen.menu), ""), (_(view.screen.label), view.url("list")), (str(row), "")],
        state=view.cell(state, row) if state else None,
        facts=[fact(view, row, field) for field in view.record_fields(row) if visible(field, view.identity, view.table)],
        buttons=view.record_buttons(row),
        related=[r for path in view.screen.related if (r := related(view, row, path)) is not None],
        history=history(view, row) if view.screen.history else [],
        notice=view.record_notice(row),
        files=view.record_files(row),
        sections=view.record_sections(row),
    )


def fact(view: PanelView, row: Any, field: Field) -> Fact:
    """One fact; a masked one offers to be revealed to who holds the act for this row."""
    cell = view.cell(field, row)
    path = getattr(row, "scope_path", None)
    may = bool(field.mask) and cell.text != EMPTY and in_clear(field, view.identity, view.table, path)
    return Fact(_(field.label), cell, view.url("reveal", pk=row.id, name=field.name) if may else "")


def related(view: PanelView, row: Any, path: str) -> Related | None:
    """The first rows of another table that link here, if this person may read that table."""
    name, link = path.split(".")
    model = next(m.class_ for m in Base.registry.mappers if m.class_.__name__ == name)
    other: PanelView | None = current_app.extensions["panel"].get(table_name(model))
    if other is None or not view.identity.may("read", other.table):
        return None
    column = getattr(model, fields_of(model)[link].key)
    listing = Listing(view.db, view.identity, model, ListState(size=10), extra=(column == row.id,))
    fields = [f for f in other.list_fields() if f.name != link]
    rows, total = listing.first_rows([f.name for f in fields])
    name_unreached(view.db, rows, fields)
    filtered = link in model.__screen__.filters + model.__screen__.facets
    return Related(
        title=_(model.__screen__.label),
        columns=[Column(f.name, _(f.label), number=f.number) for f in fields],
        rows=[list_row(other, r, fields) for r in rows[:RELATED_ROWS]],
        total=total,
        all_url=f"{other.url('list')}?f.{link}={row.id}" if filtered else "",
        add_url=f"{other.url('add')}?{link}={row.id}" if _takes(view, row, other) else "",
        add_label=told(other.screen.add_label),
    )


def _takes(view: PanelView, row: Any, other: PanelView) -> bool:
    """Whether this person may add rows of the other table at this record's unit, and it takes one."""
    path = getattr(row, "scope_path", None)
    may = other.may("add") and (path is None or view.identity.reaches("add", other.table, path))
    return may and not other.why_none_added(row)


def history(view: PanelView, row: Any) -> list[HistoryLine]:
    """Who did what, newest first; read by the system once the record itself was found within reach."""
    with acting_as(SYSTEM):
        found = view.db.execute(CHANGES, {"table": view.table, "row": row.id}).all()
    names, path = _linked_names(view, [change.changes or {} for change, _label, _who in found]), getattr(row, "scope_path", None)
    shown = {k: f for k, f in _fields_by_key(view).items() if not (f.hidden or withheld(f, view.identity, view.table, path))}
    return [_line(view, change, label, _("系统") if who is None else who, names, shown) for change, label, who in found]


def _fields_by_key(view: PanelView) -> dict[str, Field]:
    """Fields by the names history may know them by: a link's and its column's."""
    return {f.key: f for f in fields_of(view.model).values()} | fields_of(view.model)


_STEP = (
    select(Decision.label)
    .where(Decision.table_name == Change.table_name, Decision.row_id == Change.row_id, Decision.step == Change.act)
    .limit(1)
    .correlate(Change)
    .scalar_subquery()
)
CHANGES = (
    select(Change, _STEP, case((Account.id.is_not(None), func.coalesce(Account.first_name, ""))))
    .outerjoin(Account, Account.id == Change.account_id)
    .where(Change.table_name == bindparam("table"), Change.row_id == bindparam("row"))
    .order_by(Change.at.desc(), Change.id.desc())
    .limit(HISTORY_LINES)
)
"""Changes of a row, each with the label of the workflow step that made it, if one did, and the name of who made it, unless it was the
platform itself. Made once: every record page asks."""


def _linked_names(view: PanelView, changes: Sequence[dict[str, Any]]) -> Linked:
    """What the records are called that were linked; what is published, and whom a record names, also when it is not within reach."""
    links = {f.key: f.target for f in fields_of(view.model).values() if f.kind == "link" and not f.hidden}
    wanted: dict[Any, set[int]] = defaultdict(set)
    for key, (before, after) in (item for one in changes for item in one.items() if item[0] in links):
        wanted[links[key]] |= {pk for pk in (before, after) if pk}
    return {(target, pk): name for target, pks in wanted.items() for pk, name in _called(view, target, pks).items()}


def _called(view: PanelView, target: Any, pks: set[int]) -> dict[int, str]:
    """The names of some records of a table; nothing is asked for those at hand."""
    db, is_known = view.db, issubclass(target, Published) or target is Teacher
    with acting_as(SYSTEM if is_known else view.identity):
        if any(db.identity_key(target, pk) not in db.identity_map for pk in pks):
            return {row.id: str(row) for row in db.scalars(select(target).where(target.id.in_(pks)).options(*lean(target)))}
        return {pk: str(row) for pk in pks if (row := db.get(target, pk)) is not None}


def _line(view: PanelView, change: Change, label: str | None, who: str, names: Linked, fields: dict[str, Field]) -> HistoryLine:
    told = []
    for key, (before, after) in (change.changes or {}).items():
        field, slot = fields.get(key), slot_of(view.model, key)
        if slot is not None:
            told.append((_(slot.label), listed(before) or EMPTY, listed(after) or EMPTY))
        if field is None:
            continue
        told.append((_(field.label), _past(view, field, before, names), _past(view, field, after, names)))
    comment = "" if any(after == change.comment for _before, after in (change.changes or {}).values()) else change.comment or ""
    return HistoryLine(moment_text(change.at), who, change.post, _(label or ACTS.get(change.act, change.act)), told, comment)


def _past(view: PanelView, field: Field, value: Any, names: Linked) -> str:
    if value in (None, "", []):
        return EMPTY
    if field.mask:
        return MASKS[field.mask](str(value))
    if field.kind == "choice":
        return next((_(m.label) for m in field.choices if m.value == value), str(value))
    if field.kind == "link":
        return names.get((field.target, value), f"#{value}")
    if field.name in view.words:
        return _(view.words[field.name](value))
    if field.kind in ("date", "datetime") and isinstance(value, str):
        return text_of((datetime if field.kind == "datetime" else date).fromisoformat(value))
    return text_of(value)
