"""One verb on many records: on the selection, or on all that match the list's query.

A page's worth is done while one waits; more is a job, kept with the very records it was confirmed for. Either way each record is a
decision of its own, and what is refused is told while the rest is done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import current_app, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Response

from models.base import row_id
from models.jobs import Job, JobKind
from models.scoping import Identity
from models.session import transaction
from rules.jobs import WAITS, ask_for
from rules.workflow import LONGEST_COMMENT
from views.panel.bulk_work import attempt
from views.panel.excel.exporting import conditions_in_words
from views.panel.listing import Listing
from views.panel.pages import Button, ConfirmPage
from views.panel.verbs import Verb
from views.panel.words import listed, told
from views.worker import give_out

if TYPE_CHECKING:
    from views.panel.screens import PanelView

    Base = PanelView
else:
    Base = object

MOST_AT_ONCE = 100
"""As many as the longest page of a list; more than this is a job."""
MOST_CHOSEN = 2000
NAMED = 5


def _delete(session: Any, identity: Identity, row: Any, values: Mapping[str, str], now: Any) -> str:
    with transaction(session):
        session.delete(row)
    return "已删除。"


DELETE = Verb("delete", "删除", "delete", _delete, "trash", "danger", "删除后不能恢复，历史记录会保留。")
"""On a single record a page of its own asks first; here what keeps a record is told afterwards."""


class BulkMixin(Base):
    """What a list offers for many records at once."""

    def bulk_verbs(self) -> dict[str, Verb]:
        """Every verb that can be done to many at once, by name."""
        deleting = [replace(DELETE, confirm_label=self.screen.delete_confirm_label)] if DELETE.act in self.screen.acts else []
        return {verb.name: verb for verb in (*self._all_verbs().values(), *deleting) if verb.bulk}

    def bulk_buttons(self) -> Sequence[Button]:
        """Actions on the selection or on all that match."""
        verbs = [verb for verb in self.bulk_verbs().values() if self.identity.may(verb.act, self.table)]
        return [self._bulk_button(v, told(v.confirm) or _("确定执行“%(verb)s”吗？", verb=_(v.label)), (("verb", v.name),)) for v in verbs]

    def _bulk_button(self, verb: Verb, confirm: str = "", values: tuple[tuple[str, str], ...] = ()) -> Button:
        return Button(
            _(verb.label),
            self.url("bulk"),
            verb.icon,
            verb.kind,
            "post",
            confirm=confirm,
            comment=verb.comment,
            comment_label=told(verb.comment_label),
            confirm_label=told(verb.confirm_label),
            values=values,
        )

    @expose("/bulk", methods=["POST"])
    @has_access
    def bulk(self) -> Response:
        """Ask once more with the number of records, then do it: at once, or as a job when they are many."""
        verb = self.permitted(self.bulk_verbs().get(request.form.get("verb", "")))
        meant = self.meant()
        count = int(self.db.scalar(select(func.count()).select_from(meant.subquery())) or 0)
        seen = request.form.get("count", "") if request.form.get("all") == "1" else ""
        if request.form.get("confirmed") != "1" or seen not in ("", str(count)):
            return self._confirm_bulk(verb, count, seen)
        comment = request.form.get("comment", "")
        if why := _against_comment(verb, comment):
            return self._confirm_bulk(verb, count, seen, why), 422  # type: ignore[return-value]
        if count <= MOST_AT_ONCE:
            why = self._do_now(verb, list(self.db.scalars(meant)), {"comment": comment})
            if why:
                return self._confirm_bulk(verb, count, seen, why), 422  # type: ignore[return-value]
            return redirect(self._back(), 303)
        job = self._ask_for_bulk(verb, list(self.db.scalars(meant)), comment)
        give_out(current_app._get_current_object(), job.id)  # type: ignore[attr-defined]
        return redirect(url_for("job.show", pk=job.id), 303)

    def meant(self) -> Select[Any]:
        """The ids of the selected records, or of all that match the list's query; the session leaves those in reach."""
        if request.form.get("all") == "1":
            return self.listing_of(self._bulk_query()).select_ids()
        ids = [i for text in request.form.getlist("id")[:MOST_CHOSEN] if (i := row_id(text)) is not None]
        return select(self.model.id).where(self.model.id.in_(ids)).order_by(self.model.id)

    def listing_of(self, query: str) -> Listing:
        """The list that an address with this query shows."""
        return self.listing(ImmutableMultiDict(parse_qsl(query)))

    def _back(self) -> str:
        return f"{self.url('list')}?{self.listing_query()}"

    def _bulk_query(self) -> str:
        return request.form.get("query", "")[:2000] if request.form.get("all") == "1" else ""

    def _confirm_bulk(self, verb: Verb, count: int, seen: str, refusal: str = "") -> Response:
        said = ("csrf_token", "confirmed", "comment", "count")
        values = tuple((k, v) for k, v in request.form.items(multi=True) if k not in said)
        message = _("将对 %(count)s %(unit)s执行“%(verb)s”。", count=count, unit=_(self.screen.unit), verb=_(verb.label))
        page = ConfirmPage(
            _("批量%(verb)s", verb=_(verb.label)),
            message,
            self._bulk_button(verb),
            self._back(),
            details=[line for line in self._bulk_details(verb, count, seen) if line],
            values=(*values, ("count", str(count))),
            comment=request.form.get("comment", ""),
            refusal=refusal,
        )
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]

    def _bulk_details(self, verb: Verb, count: int, seen: str) -> list[str]:
        changed = seen not in ("", str(count)) and request.form.get("confirmed") == "1"
        narrowed = conditions_in_words(self.listing_of(self._bulk_query())) if request.form.get("all") == "1" else []
        return [
            _("符合条件的记录刚刚从 %(seen)s 条变成了 %(count)s 条，请重新确认。", seen=seen, count=count) if changed else "",
            _("筛选条件：%(told)s", told=_("；").join(narrowed)) if narrowed else "",
            told(verb.confirm),
            _("数量较多，将转为后台任务，进度和结果在“导出管理”里查看，可以随时停止。") if count > MOST_AT_ONCE else "",
        ]

    def _do_now(self, verb: Verb, ids: Sequence[int], values: Mapping[str, str]) -> str:
        """Do it with each and tell what came of it; the answer is the one reason for which none was done."""
        refusals: dict[str, list[str]] = defaultdict(list)
        rows = list(self.db.scalars(select(self.model).where(self.model.id.in_(ids)).order_by(self.model.id)).unique())
        named = [(row, str(row)) for row in rows]
        for row, name in named:
            if why := attempt(self, verb, row, values):
                refusals[why].append(name)
        failed = sum(map(len, refusals.values()))
        done = len(rows) - failed
        if verb.comment and not done and len(refusals) == 1:
            return next(iter(refusals))
        flash(_("“%(verb)s”已完成 %(done)s 条。", verb=_(verb.label), done=done), "success" if done else "warning")
        if failed:
            each = (_("：").join((_shortened(names), why)) for why, names in refusals.items())
            flash(_("有 %(count)s 条未办理：", count=failed) + " ".join(each), "danger")
        return ""

    def _ask_for_bulk(self, verb: Verb, ids: Sequence[int], comment: str) -> Job:
        """A job for exactly these records; those that no longer match when their turn comes will be skipped."""
        query = self._bulk_query()
        details = {
            "table": self.table,
            "locale": str(get_locale()),
            "verb": verb.name,
            "values": {"comment": comment},
            "query": query,
            "told": conditions_in_words(self.listing_of(query)),
        }
        title = _("批量%(verb)s：%(label)s", verb=_(verb.label), label=_(self.screen.label))
        job = Job(title=title[:100], kind=JobKind.BULK, total=len(ids), message=_(WAITS), details=details)
        return ask_for(self.db, self.identity, job, ids)


def _against_comment(verb: Verb, comment: str) -> str:
    """Why this comment would be refused for every record."""
    if verb.comment == "required" and not comment.strip():
        return _("请填写%(what)s。", what=told(verb.comment_label) or _("说明"))
    if len(comment.strip()) > LONGEST_COMMENT:
        return _("“{label}”最多 {most} 个字。").format(label=told(verb.comment_label) or _("说明"), most=LONGEST_COMMENT)
    return ""


def _shortened(names: Sequence[str]) -> str:
    return listed(names[:NAMED]) + (_("等 %(count)s 条", count=len(names)) if len(names) > NAMED else "")
