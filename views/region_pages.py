"""Pages that drill down the regions: whose figures are asked for, and the table as a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, ClassVar

from flask import abort, send_file
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from models.base import utcnow
from models.org import Region
from models.scoping import ROOT
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.excel.columns import SheetColumn
from views.panel.excel.writer import write_xlsx


class RegionPage(PageView):
    """Base of pages about a region and those below it; ``subject`` is what the grants call them."""

    subject: ClassVar[str] = ""
    base_permissions = ("can_read", "can_export")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.class_permission_name = cls.subject

    def region(self, region_id: int | None) -> Region | None:
        """The asked region; without one the person's own, or the whole platform (None) for the operator."""
        if region_id is not None:
            return self.db.get(Region, region_id) or abort(404)
        paths = self.identity.paths("read", self.subject)
        if not paths:
            abort(403)
        if ROOT in paths:
            return None
        return self.db.scalars(select(Region).where(Region.scope_path == paths[0])).one_or_none() or abort(404)

    def workbook(
        self, title: str, place: str, header: Sequence[str], rows: Iterable[Sequence[str]], more: Iterable[tuple[str, str]] = ()
    ) -> Response:
        """The rows as printed, with who exported them and when."""
        columns = [SheetColumn(f"c{n}", label, "text", width=18) for n, label in enumerate(header)]
        note = [(_("导出人"), self.identity.label), (_("导出时间"), moment_text(utcnow())), (_("区域"), place), *more]
        with NamedTemporaryFile(suffix=".xlsx") as file:
            write_xlsx(Path(file.name), columns, rows, note=note, sheet_title=title)
            content = BytesIO(Path(file.name).read_bytes())
        return send_file(content, as_attachment=True, download_name=f"{title}-{place}.xlsx", max_age=0)
