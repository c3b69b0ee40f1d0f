"""激活进度: how far the units below have got their administrators (S3-45 … S3-57)."""

from __future__ import annotations

from flask import abort, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.base import utcnow
from models.org import Region
from models.scoping import ancestors
from rules.activation import HEADER, activation_rows, region_list, school_list
from views.panel.cells import moment_text
from views.panel.list_page import pager
from views.panel.listing import read_state
from views.panel.menu import ENTRIES, Entry
from views.region_pages import RegionPage


class ActivationView(RegionPage):
    """激活进度."""

    route_base = "/activation"
    subject = "activation"

    @expose("/")
    @expose("/<int:region_id>")
    @login_required
    def progress(self, region_id: int | None = None) -> Response:
        """The region's row, its 直属学校, its children; every name leads one level down (S3-54 … S3-56)."""
        region = self.region(region_id)
        rows = activation_rows(self.db, self.identity, region.id if region else None)
        charted = [row for row in rows[1:] if row.region_id is not None]
        return self.render_template(
            "access/activation.html",
            rows=rows,
            place=_(rows[0].name),
            header=HEADER,
            charted=charted,
            path=self._path(region),
            region=region,
            now=moment_text(utcnow()),
        )  # type: ignore[no-any-return]

    @expose("/list/<what>")
    @expose("/<int:region_id>/list/<what>")
    @login_required
    def units(self, what: str, region_id: int | None = None) -> Response:
        """Activated and not activated schools and regions (S3-46): ``what`` is schools or regions."""
        if what not in ("schools", "regions"):
            abort(404)
        region, state = self.region(region_id), read_state(request.args)
        activated = request.args.get("activated") == "1"
        ask = school_list if what == "schools" else region_list
        found = ask(self.db, self.identity, region.id if region else None, activated=activated, page=state.page, size=state.size)
        return self.render_template(
            "access/activation_units.html",
            what=what,
            lines=found.rows,
            total=found.total,
            activated=activated,
            region=region,
            path=self._path(region),
            pager=pager(state, found.total),
        )  # type: ignore[no-any-return]

    @expose("/export", methods=["POST"])
    @expose("/<int:region_id>/export", methods=["POST"])
    @login_required
    def export(self, region_id: int | None = None) -> Response:
        """The table as a workbook, as printed."""
        self.identity.require("export", "activation")
        region = self.region(region_id)
        rows = activation_rows(self.db, self.identity, region.id if region else None)
        printed = ((_(row.name), *row.texts()[1:]) for row in rows)
        return self.workbook(_("激活进度"), _(rows[0].name), [_(label) for label in HEADER], printed)

    def _path(self, region: Region | None) -> list[tuple[str, str]]:
        """Breadcrumbs from the person's own unit down to the region."""
        if region is None:
            return []
        paths = [p for p in (*ancestors(region.scope_path), region.scope_path) if self.identity.reaches("read", "activation", p)]
        regions = self.db.scalars(select(Region).where(Region.scope_path.in_(paths)).order_by(Region.scope_path))
        return [(r.name, url_for("ActivationView.progress", region_id=r.id)) for r in regions]


ENTRIES.append(
    Entry("基本管理", "激活进度", "progress-check", "ActivationView.progress", 14, lambda identity: identity.may("read", "activation"))
)
