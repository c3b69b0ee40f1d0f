"""整校推进: what is still missing, and the archive, on the record's own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.base import utcnow
from models.jobs import Job, JobKind
from models.research import SchoolProgramme, SchoolState
from models.scoping import Identity
from models.violation import Sentence
from rules.acceptance import missing_of, registered_in, why_failed
from rules.closing import why_kept
from rules.jobs import WAITS, ask_for
from views.panel.cells import text_of
from views.panel.pages import Button
from views.panel.verbs import Verb
from views.panel.words import told
from views.research_progress import oversees
from views.research_tables import ResearchView
from views.worker import start

ARCHIVING = "把本校在这个项目中的全部记录（每类一份 Excel）和文件打包成一个 ZIP，完成后在“导出管理”下载。文件多时需要较长时间。"


def _archive(session: Session, identity: Identity, school: SchoolProgramme, values: Mapping[str, str], now: datetime) -> Response:
    title = _("归档：%(name)s", name=school.name)[:100]
    details = {"table": "school_programme", "row": school.id, "locale": str(get_locale())}
    job = ask_for(session, identity, Job(title=title, kind=JobKind.ARCHIVE, message=_(WAITS), details=details))
    start(current_app._get_current_object(), job)  # type: ignore[attr-defined]
    return redirect(url_for("job.show", pk=job.id), 303)


class SchoolProgrammeView(ResearchView):
    """整校推进: the superior reads what is missing before deciding, the school before applying (S1-49…52)."""

    model = SchoolProgramme
    kept = frozenset({"edit"})
    asked_on_a_page = frozenset({"apply", "accept"})
    extra_method_acts = {"missing": "read"}
    verbs = (Verb("archive", "归档", "export", _archive, "archive", confirm=ARCHIVING, bulk=False),)

    def foretold(self, verb: Verb, row: Any) -> Sequence[str]:
        """Whoever applies or accepts is told what is missing."""
        if verb.name not in self.asked_on_a_page:
            return ()
        return [_("还需完善：%(what)s", what=one) for one in self._missing(row)] or [_("没有缺项。")]

    def run_verb(self, verb: Verb, row: Any) -> Any:
        outcome = super().run_verb(verb, row)
        if verb.name != "accept" or row.state is not SchoolState.PASSED:
            return outcome
        teachers, hours = registered_in(self.db, self.identity, row)
        return Sentence("验收已通过，{teachers} 名教师的 {hours} 学时已登记。", teachers=teachers, hours=text_of(hours))

    def record_notice(self, row: Any) -> str:
        said = why_failed(self.db, self.identity, row)
        return _("验收不通过，还需完善：%(said)s", said=said) if said else ""

    @expose("/missing/<pk>")
    @has_access
    def missing(self, pk: str) -> Response:
        """What the school still lacks before it is accepted, to whoever answers for its hours; ``?part=1``: the list alone."""
        row = self.row(pk)
        if not oversees(self.identity):
            abort(403)
        missing = self._missing(row)
        template = "research/_missing_list.html" if "part" in request.args else "research/missing.html"
        return self.render_template(template, school=row, missing=missing)  # type: ignore[no-any-return]

    def _missing(self, row: Any) -> list[str]:
        return [told(one) for one in missing_of(self.db, self.identity, row, now=utcnow())]

    def record_buttons(self, row: Any) -> list[Button]:
        pages = [Button(_("校本首页"), url_for("SchoolResearchView.one", pk=row.id), "home")]
        if oversees(self.identity):
            pages.append(Button(_("学时进展"), url_for("ResearchProgressView.one", pk=row.id), "chart-histogram"))
        return [*pages, *super().record_buttons(row)]

    def record_sections(self, row: Any) -> Sequence[tuple[str, Any, Any]]:
        if not oversees(self.identity) or why_kept(row.state):
            return ()
        return [(_("验收前还需完善"), "research/_missing.html", {"url": self.url("missing", pk=row.id)})]
