"""数据统计: who registers, what is used, how much is viewed, in a region and those below it (S3-42)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import abort, current_app, request
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.base import utcnow
from models.org import Region
from models.violation import RuleViolation
from rules.page_views import day_of
from rules.periods import LONGEST_DAYS, LONGEST_VIEW_DAYS, PRESETS, USUAL_DAYS, Period, Step, last_days, read_period, read_step
from rules.statistics import SUBJECT, Report, Table, applications, page_views, registrations
from views.page_views import areas
from views.panel.cells import moment_text, text_of
from views.panel.menu import ENTRIES, Entry
from views.panel.words import refused, told
from views.region_pages import RegionPage

REPORTS = {"registrations": "用户注册", "applications": "应用分析", "views": "页面浏览"}


class Asked(NamedTuple):
    """What the address asks for; a refused period is the usual one, with the sentence why and what was typed."""

    period: Period
    step: Step
    typed: tuple[str, str]
    refusal: RuleViolation | None = None


def asked(args: Mapping[str, str], today: date, longest: int) -> Asked:
    """Read the address: two dates, or ``days`` for one of the presets."""
    if args.get("days") in map(str, PRESETS):
        period = last_days(int(args["days"]), today)
        return Asked(period, read_step(args.get("by", ""), period), (period.since.isoformat(), period.until.isoformat()))
    typed = args.get("from", "")[:20], args.get("to", "")[:20]
    try:
        period = read_period(*typed, today, longest)
    except RuleViolation as refusal:
        period = last_days(USUAL_DAYS, today)
        return Asked(period, read_step("", period), typed, refusal)
    return Asked(period, read_step(args.get("by", ""), period), (period.since.isoformat(), period.until.isoformat()))


class StatisticsView(RegionPage):
    """数据统计."""

    route_base = "/statistics"
    subject = SUBJECT

    @expose("/")
    @expose("/<what>")
    @expose("/<what>/<int:region_id>")
    @login_required
    def show(self, what: str = "registrations", region_id: int | None = None) -> Response:
        """One of the reports, about a region and a period; the region's name leads one level down."""
        region, question = self._region_of(what, region_id), self._asked(what)
        report = self._report(what, region, question)
        page = self.render_template(
            "access/statistics.html",
            what=what,
            reports=REPORTS,
            report=report,
            region=region,
            place=self._place(region),
            asked=question,
            wrong=(question.refusal.field, refused(question.refusal)) if question.refusal else None,
            steps=Step if what == "registrations" else (),
            presets=PRESETS,
            query="?" + urlencode(self._query(question)),
            told=told,
            chart_of=chart_of,
            now=moment_text(report.counted_at or utcnow()) if report.counted_at or what != "registrations" else "",
        )
        return page, 422 if question.refusal else 200  # type: ignore[return-value]

    @expose("/<what>/export/<key>", methods=["POST"])
    @expose("/<what>/<int:region_id>/export/<key>", methods=["POST"])
    @login_required
    def export(self, what: str, key: str, region_id: int | None = None) -> Response:
        """One table of the report as a workbook, as printed."""
        self.identity.require("export", self.subject)
        region, question = self._region_of(what, region_id), self._asked(what)
        if question.refusal:
            raise question.refusal
        table = next((table for table in self._report(what, region, question).tables if table.key == key), None) or abort(404)
        title, period = f"{_(REPORTS[what])}-{_(table.title)}", f"{text_of(question.period.since)}-{text_of(question.period.until)}"
        rows = ((_(line.name), *line.texts) for line in table.lines)
        return self.workbook(title, self._place(region), [_(label) for label in table.header], rows, [(_("统计时间"), period)])

    def _region_of(self, what: str, region_id: int | None) -> Region | None:
        if what not in REPORTS:
            abort(404)
        self.identity.require("read", self.subject)
        return self.region(region_id)

    def _asked(self, what: str) -> Asked:
        return asked(request.args, day_of(utcnow()), LONGEST_DAYS if what == "registrations" else LONGEST_VIEW_DAYS)

    def _report(self, what: str, region: Region | None, question: Asked) -> Report:
        place: tuple[Any, ...] = (self.db, self.identity, region.id if region else None, question.period)
        if what == "registrations":
            return registrations(*place, question.step)
        return applications(*place, areas(current_app)) if what == "applications" else page_views(*place)

    def _place(self, region: Region | None) -> str:
        return region.name if region else _("全部区域")

    def _query(self, question: Asked) -> dict[str, str]:
        """The period and step of this page, for the addresses that keep them."""
        return {"from": question.period.since.isoformat(), "to": question.period.until.isoformat(), "by": question.step.value}


def chart_of(table: Table) -> dict[str, Any]:
    """What the chart macro takes, in the reader's language."""
    series = [{"name": _(one.name), "kind": one.kind, "values": one.values} for one in table.series]
    return {"labels": [_(label) for label in table.labels], "series": series, "unit": _(table.unit) if table.unit else ""}


ENTRIES.append(
    Entry("基本管理", "数据统计", "chart-bar", "StatisticsView.show", 16, lambda identity: identity.may("read", SUBJECT)),
)
