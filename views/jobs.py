"""导出管理: a person's own long work, watched while it runs and found again afterwards (S3-38).

The one thing a newcomer gets wrong: a job belongs to an account *and* to the post it was asked for at. Whose post has ended reads
no file made in its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, current_app, g, jsonify, redirect, send_file, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.fields import fields_of
from models.jobs import BulkOutcome, Job, JobKind, JobState
from models.scoping import Identity
from rules.bulk import counts, reasons
from rules.jobs import ENDED_BADLY, LIVE, retry, stop
from views.panel.cells import EMPTY, cell_of
from views.panel.listing import lean
from views.panel.pages import Button, Cell, Fact
from views.panel.screens import PanelView
from views.panel.verbs import Verb
from views.panel.words import told
from views.worker import start

FIELDS = fields_of(Job)
SURE = "停止后，导入和导出已经做的部分全部作废；批量办理已办的保留，其余不再办理。"
MADE = (JobKind.EXPORT, JobKind.ARCHIVE)
"""Kinds whose file is what was asked for."""
FILES = {**dict.fromkeys(MADE, "下载文件"), JobKind.BULK: "下载未办理的记录"}


def _stop(session: Session, identity: Identity, job: Job, values: Mapping[str, str], now: datetime) -> str:
    stop(session, identity, job, now=now)
    return "任务已停止。"


def _retry(session: Session, identity: Identity, job: Job, values: Mapping[str, str], now: datetime) -> str:
    retry(session, identity, job)
    start(current_app._get_current_object(), job)  # type: ignore[attr-defined]
    return "任务已重新开始。"


class JobView(PanelView):
    """导出管理: progress, results, and the wish to stop or to try again."""

    model = Job
    verbs = (
        Verb("stop", "停止", "read", _stop, "player-stop", confirm=SURE, shown=lambda job: job.state in LIVE, bulk=False),
        Verb("retry", "重试", "read", _retry, "refresh", "primary", shown=lambda job: job.state in ENDED_BADLY, bulk=False),
    )
    extra_method_acts = {"state": "read", "result": "read"}

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Response:
        """Progress and result; what a check found has a page of its own."""
        job = self.row(pk)
        if job.kind is JobKind.IMPORT_CHECK and job.state is JobState.DONE:
            return redirect(url_for(f"{job.details['table']}.check_import", pk=job.id, _method="GET"))
        live = job.state in LIVE
        came = outcomes(self, job) if job.kind is JobKind.BULK and not live else []
        return self.render_template(  # type: ignore[no-any-return]
            "panel/job.html",
            title=job.title,
            breadcrumbs=[(told(self.screen.menu), ""), (_(self.screen.label), self.url("list")), (job.title, "")],
            job={
                **self._state(job),
                **({"done": sum(outcome.count for outcome in came if not outcome.is_open)} if came else {}),
                "state": cell_of(FIELDS["state"], job),
                "live": live,
                "state_url": self.url("state", pk=job.id),
                "live_states": " ".join(state.value for state in LIVE),
            },
            facts=self._facts(job),
            outcomes=came,
            buttons=self.job_buttons(job),
            notice="",
        )

    @expose("/<pk>/state")
    @has_access
    def state(self, pk: str) -> Response:
        """What the page asks for every second."""
        return jsonify(self._state(self.row(pk)))

    @expose("/<pk>/file")
    @has_access
    def result(self, pk: str) -> Response:
        """The file it made, for its owner while they hold the post it was made at."""
        job = self.row(pk)
        if job.file_key is None:
            abort(404, _("这个任务没有文件，或文件已过期清理。"))
        if job.post_id not in {post.id for post in g.posts}:
            abort(403, _("生成这个文件的岗位已经结束。"))
        try:
            stored = current_app.extensions["files"].open(job.file_key)
        except FileNotFoundError:
            abort(404, _("文件已过期清理，请重新生成。"))
        return send_file(stored, as_attachment=True, download_name=job.file_name or str(job))

    def job_buttons(self, job: Job) -> Sequence[Button]:
        """Stop or try again, and the file once there is one."""
        buttons = [self._verb_button(verb, job) for verb in self._open_verbs(job)]
        known = job.details.get("table") in current_app.extensions["panel"]
        if known and job.kind is JobKind.BULK:
            address = url_for(f"{job.details['table']}.list") + f"?{job.details['query']}"
            buttons.append(Button(_("返回列表"), address, "list"))
        elif known and job.kind not in MADE:
            buttons.append(Button(_("重新上传"), url_for(f"{job.details['table']}.upload"), "upload"))
            buttons.append(Button(_("返回列表"), url_for(f"{job.details['table']}.list"), "list"))
        return [*buttons, *([self.file_button(job)] if job.file_key else [])]

    def file_button(self, job: Job) -> Button:
        """Download what the job made."""
        label = _(FILES.get(job.kind, "下载标注了问题的工作簿"))
        return Button(label, self.url("result", pk=job.id), "download", "primary" if job.kind in MADE else "normal")

    def row_buttons(self, row: Job) -> tuple[list[Button], list[Button]]:
        """On the list, too, the file is one press away."""
        inline, menu = super().row_buttons(row)
        return [*inline, *([self.file_button(row)] if row.file_key else [])], menu

    def _state(self, job: Job) -> dict[str, Any]:
        return {
            "state": job.state.value,
            "label": _(job.state.label),
            "colour": job.state.colour,
            "done": job.done,
            "total": job.total,
            "message": _(job.message) if job.message else "",
            "url": self.url("show", pk=job.id),
        }

    def _facts(self, job: Job) -> list[Fact]:
        facts = [Fact(_(FIELDS[name].label), cell_of(FIELDS[name], job)) for name in ("kind", "created_at", "finished_at")]
        if job.kind is JobKind.BULK:
            facts.append(Fact(_("筛选条件"), Cell(_("；").join(job.details["told"]) or _("无"))))
        return [*facts, Fact(_(FIELDS["file_name"].label), Cell(job.file_name or EMPTY))]


@dataclass(frozen=True)
class Outcome:
    """How some records of a bulk act came out: a state, a sentence, how many, and links to a few of them."""

    state: Cell
    sentence: str
    count: int
    examples: Sequence[Cell] = ()
    is_open: bool = False
    """Still to be done."""


def outcomes(view: PanelView, job: Job) -> list[Outcome]:
    """What became of the records of a bulk act; of those not done, why. Only what is in the reader's reach today is named."""
    found, whys = counts(view.db, job.id), reasons(view.db, job.id)
    names = _names(view, job, [row_id for why in whys for row_id in why.row_ids])
    done = Outcome(_outcome_cell(BulkOutcome.DONE), "", found.get(BulkOutcome.DONE, 0))
    still_open = Outcome(Cell(_("尚未处理"), badge="gray"), "", found.get(None, 0), is_open=True)
    not_done = [Outcome(_outcome_cell(w.outcome), w.sentence, w.count, [names[i] for i in w.row_ids if i in names]) for w in whys]
    return [outcome for outcome in (done, still_open, *not_done) if outcome.count]


def _outcome_cell(outcome: BulkOutcome) -> Cell:
    return Cell(_(outcome.label), badge=outcome.colour)


def _names(view: PanelView, job: Job, ids: Sequence[int]) -> dict[int, Cell]:
    other: PanelView | None = current_app.extensions["panel"].get(job.details["table"])
    if other is None or not ids:
        return {}
    rows = view.db.scalars(select(other.model).where(other.model.id.in_(ids)).options(*lean(other.model))).unique()
    return {row.id: Cell(str(row), href=other.url("show", pk=row.id)) for row in rows}
