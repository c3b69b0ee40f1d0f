"""消息通知: what is behind the bell at the top of every page.

The one thing a newcomer gets wrong: to open a notice is a POST, because it marks it read; the page it leads to is answered by that
page's own questions, at the workbench from which it can be reached.
"""

from __future__ import annotations

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.notices import Notice, NoticeKind
from models.violation import OutOfReach
from rules.notices import KEPT_DAYS, open_notice, read_all
from views.pages import PageView
from views.panel.cells import moment_text
from views.panel.list_page import pager
from views.panel.listing import read_state
from views.panel.security import workbench_key
from views.panel.words import told

ICONS = {
    NoticeKind.DECISION: "clipboard-check",
    NoticeKind.ACCOUNT: "shield-lock",
    NoticeKind.POST: "key",
    NoticeKind.REMINDER: "bell-ringing",
    NoticeKind.JOB: "file-spreadsheet",
}


class NoticesView(PageView):
    """One's own notices."""

    route_base = "/notices"

    @expose("/")
    @login_required
    def all(self) -> Response:
        """The newest first, page by page, an address beyond the last page shows that: two statements."""
        state = read_state(request.args)
        total, last = self.db.execute(select(func.count(Notice.id), func.max(Notice.id))).one()
        turned = pager(state, total)
        newest = select(Notice).order_by(Notice.made_at.desc(), Notice.id.desc()).limit(turned.size).offset((turned.page - 1) * turned.size)
        rows = self.db.scalars(newest).all()
        return self.render_template(  # type: ignore[no-any-return]
            "notices/all.html",
            lines=[(row, ICONS[row.kind], told(row.sentence), moment_text(row.made_at)) for row in rows],
            total=total,
            last=last,
            unread=g.get("unread", 0),
            pager=turned,
            days=KEPT_DAYS,
        )

    @expose("/<pk>/open", methods=["POST"])
    @login_required
    def open(self, pk: str) -> Response:
        """Mark it read and lead on; another's is not there."""
        number = row_id(pk)
        if number is None:
            raise OutOfReach(f"notice {pk}")
        notice = open_notice(self.db, self.identity, number, now=utcnow())
        _work_at(notice.place)
        return redirect(notice.address, 303)

    @expose("/read", methods=["POST"])
    @login_required
    def read(self) -> Response:
        """Mark all read that the person had before them; what came meanwhile stays unread."""
        count = read_all(self.db, self.identity, upto=row_id(request.form.get("upto", "")) or 0, now=utcnow())
        flash(_("已将 %(count)s 条消息标为已读。", count=count), "success")
        return redirect(url_for("NoticesView.all"), 303)


def _work_at(place: str | None) -> None:
    """Go to the workbench that reaches the place, if the current one does not and another does."""
    reaching = [workbench_key(post) for post in g.posts if place and place.startswith(post.path)]
    if reaching and g.workbench not in reaching:
        session["workbench"] = reaching[0]
