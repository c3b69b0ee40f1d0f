"""What the three pages of an import show: the upload, which column is which, what would happen (panel/import.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _

from models.fields import Field, form_fields
from models.jobs import Job
from models.violation import RuleViolation
from views.panel.excel.headers import header_key, match_headers
from views.panel.excel.importing import recognised_fields
from views.panel.excel.package import Limits
from views.panel.excel.reader import Sheet
from views.panel.excel.report import in_words
from views.panel.excel.sheets import sheet_column
from views.panel.pages import Button, Cell
from views.panel.words import in_every_language, listed

if TYPE_CHECKING:
    from views.panel.screens import PanelView

OUTCOMES = {"new": ("新增", "green"), "changed": ("修改", "blue"), "same": ("未变化", "secondary"), "refused": ("未通过", "red")}
Page = dict[str, Any]


@dataclass(frozen=True)
class Matching:
    """Which position of a sheet holds which field; ``notes`` says of a column what a person should know."""

    chosen: Mapping[int, str]
    notes: Mapping[int, str]


def match(view: PanelView, header: Sequence[str]) -> Matching:
    """Recognise the columns by label, name or alias, in whatever language and width."""
    fields = recognised_fields(view.model, view.identity)
    called = _other_names(fields)
    found = match_headers([sheet_column(f) for f in fields], [called.get(header_key(text), text) for text in header])
    by_name, notes = {f.name: f for f in fields}, {}
    for position, text in enumerate(header):
        if position in found.mapping:
            notes[position] = _note(view, by_name[found.mapping[position]])
        elif called.get(header_key(text), "") in found.duplicated:
            notes[position] = _("与前面的列重复，不导入。")
        elif text.strip():
            notes[position] = _("没有对应的字段，不导入。")
    return Matching(found.mapping, notes)


def _other_names(fields: Sequence[Field]) -> dict[str, str]:
    """What a column may be called besides: its label in another language, an alias. What would mean two fields means none."""
    meant: dict[str, set[str]] = {}
    for field in fields:
        for name in (*field.aliases, *in_every_language(field.label)):
            meant.setdefault(header_key(name), set()).add(_(field.label))
    return {key: labels.pop() for key, labels in meant.items() if len(labels) == 1}


def _note(view: PanelView, field: Field) -> str:
    if field.name in view.screen.key:
        return _("用于识别已有的记录。")
    takes = {f.name for f in form_fields(view.model, adding=True)}
    if field.name not in takes:
        return _("由系统填写，只核对，不修改。")
    return _("已有的记录不能修改这一列。") if field.fixed else ""


def read_chosen(view: PanelView, form: Mapping[str, str]) -> dict[int, str]:
    """Position → field, as the second page sends it; what is no field of the table is not listened to."""
    known = {f.name for f in recognised_fields(view.model, view.identity)}
    given = ((name.removeprefix("column."), field) for name, field in form.items() if name.startswith("column."))
    return {int(at): field for at, field in given if at.isascii() and at.isdigit() and len(at) < 6 and field in known}


def check_chosen(view: PanelView, chosen: Mapping[int, str]) -> None:
    """RuleViolation when the columns do not tell which record a row is about, or two tell the same field."""
    labels = {f.name: _(f.label) for f in recognised_fields(view.model, view.identity)}
    twice = [labels[name] for name in dict.fromkeys(chosen.values()) if list(chosen.values()).count(name) > 1]
    if twice:
        raise RuleViolation("“{labels}”选了不止一列，请只留一列。", labels="、".join(twice))
    lacking = [labels[name] for name in view.screen.key if name not in chosen.values()]
    if lacking or not chosen:
        raise RuleViolation("缺少用于识别记录的列：{labels}。", labels="、".join(lacking) or _("任何一列"))


def check_template(view: PanelView, sheet: Sheet, panel: Mapping[str, PanelView]) -> None:
    """RuleViolation for the template of another table."""
    key = sheet.template_key
    if key is not None and key != view.table:
        other = _(panel[key].screen.label) if key in panel else key
        raise RuleViolation("这是“{other}”的模板。请下载“{own}”的模板填写后再上传。", other=other, own=_(view.screen.label))


def _frame(view: PanelView, step: str, error: str = "") -> Page:
    title = _("批量导入：%(label)s", label=_(view.screen.label))
    crumbs = [(_(view.screen.menu), ""), (_(view.screen.label), view.url("list")), (title, "")]
    return {"title": title, "breadcrumbs": crumbs, "cancel_url": view.url("list"), "error": error, "step": step}


def upload_page(view: PanelView, error: str = "") -> Page:
    """The first page: the template, what is kept to, and the file."""
    keys = listed(_(f.label) for name in view.screen.key for f in recognised_fields(view.model, view.identity) if f.name == name)
    rules = [
        _("每次最多 %(rows)s 行，文件不超过 %(size)s MB。", rows=Limits.rows, size=Limits.packed // 2**20),
        *([_("按“%(keys)s”识别：已有的记录被修改，没有的新增。", keys=keys)] if keys else []),
        _("导出的文件可以直接改好再导入；没有改动的行不会变化。"),
    ]
    addresses = {"action": view.url("upload"), "template_url": view.url("template")}
    return {**_frame(view, "upload", error), **addresses, "rules": rules, "accept": ".xlsx,.csv"}


def match_page(view: PanelView, sheet: Sheet, matching: Matching, *, token: str, file_name: str, error: str = "") -> Page:
    """The second page: every column of the file, and the field it is written to."""
    fields = recognised_fields(view.model, view.identity)
    first = next((cells for _number, cells in sheet.rows()), [])
    needed = [f for f in form_fields(view.model, adding=True) if f.required and f.name != getattr(view.model, "__owner__", "")]
    return {
        **_frame(view, "match", error),
        "action": view.url("check_import", _method="POST"),
        "values": (("token", token),),
        "file_name": file_name,
        "row_count": sheet.row_count,
        "missing": [_(f.label) for f in needed if f.name not in matching.chosen.values()],
        "headers": [
            (at, text, in_words(first[at]) if at < len(first) else "", matching.chosen.get(at, ""), matching.notes.get(at, ""))
            for at, text in enumerate(sheet.header)
        ],
        "choices": [(f.name, _(f.label)) for f in fields],
    }


def check_page(view: PanelView, job: Job) -> Page:
    """The third page: what would happen, and the buttons that let it."""
    result = job.result
    rows = [
        (
            row["line"],
            row["label"],
            Cell(_(OUTCOMES[row["outcome"]][0]), badge=OUTCOMES[row["outcome"]][1]),
            row["changes"],
            row["problems"],
        )
        for row in result["rows"]
    ]
    return {
        **_frame(view, "check"),
        "file_name": job.details["file_name"],
        "counts": [(_(label), result["counts"].get(name, 0), colour) for name, (label, colour) in OUTCOMES.items()],
        "buttons": _check_buttons(view, job),
        "shown": len(rows),
        "total": result["total"],
        "rows": rows,
    }


def _check_buttons(view: PanelView, job: Job) -> list[Button]:
    counts = job.result["counts"]
    good, refused = counts.get("new", 0) + counts.get("changed", 0), counts.get("refused", 0)
    buttons = [Button(_("下载标注了问题的工作簿"), url_for("job.result", pk=job.id), "download")] if job.file_key else []
    url, nothing = view.url("apply_import", pk=job.id), "" if good else _("没有需要写入的变化。")
    why = _("有 %(count)s 行未通过：改好后重新上传，或只导入通过的行。", count=refused) if refused and good else nothing
    if refused and good:
        buttons.append(Button(_("只导入通过的 %(count)s 行", count=good), url, "filter-check", method="post", values=(("mode", "good"),)))
    return [*buttons, Button(_("全部导入"), url, "check", "primary", "post", values=(("mode", "all"),), why=why)]
