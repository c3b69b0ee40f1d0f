"""我的校本、参与活动: what somebody has to do in their groups, and the list of activities from which they join (S0-70, S0-81, S0-105).

The one thing a newcomer gets wrong: administrators and the IT team see the same list of their whole school, and may only look (S0-62).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import abort, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.activities import ActivityKind, ActivityState
from models.base import utcnow
from models.hours import Programme
from models.scoping import Identity
from rules.hour_statement import totals_of
from rules.hours import Tally
from rules.members import teacher_of
from rules.my_research import COMPLETED, JOINED, NOT_JOINED, STATES, Found, Wanted, activities_for, own_groups, tasks_of
from rules.page_views import day_of
from views.pages import PageView
from views.panel.cells import moment_text, text_of
from views.panel.list_page import pager
from views.panel.listing import ListState, read_state
from views.panel.menu import ENTRIES, Entry
from views.panel.pages import Button, Facet, Pill
from views.reviews import mine_reviews

TASKS = 10
COLOURS = {NOT_JOINED: "gray", JOINED: "blue", COMPLETED: "green"}
WHOLE = "whole"


class TakingPartView(PageView):
    """What members of a research group see of it."""

    route_base = "/research"

    @expose("/mine/")
    @login_required
    def mine(self) -> Response:
        """研修任务、我的教研组、我的研修专题, the bar of hours, and what the person hands in themselves (S0-70, S0-71, S0-101)."""
        teacher_id, now = teacher_of(self.identity) or abort(404), utcnow()
        groups = own_groups(self.db, self.identity, teacher_id, now=now)
        programmes = {programme.id: programme for _group, programme, _topics in groups}.values()
        return self.render_template(  # type: ignore[no-any-return]
            "research/mine.html",
            **own_tasks(self.db, self.identity, teacher_id, programmes, now),
            groups=[(group, programme, topics, self._leads(group)) for group, programme, topics in groups],
            reviews=mine_reviews(self.db, self.identity),
            teacher_id=teacher_id,
            today=day_of(now),
        )

    def _leads(self, group: Any) -> bool:
        return self.identity.reaches("members", "research_group", group.scope_path)

    @expose("/activities/")
    @login_required
    def activities(self) -> Response:
        """参与活动: all activities of one's own groups; of the whole school for who looks on."""
        if not self.identity.may("read", "activity"):
            abort(403)
        member = self.identity.may("join", "activity")
        teacher_id = teacher_of(self.identity) if member else None
        state = read_state(request.args)
        wanted = _wanted(state, whole=teacher_id is None or WHOLE in state.only)
        first = (state.page - 1) * state.size
        counts, rows = activities_for(self.db, self.identity, teacher_id, wanted, first=first, most=state.size)
        turned = pager(state, sum(number for key, number in counts.items() if _fits(key, state)))
        if state.page > turned.pages:
            return redirect(request.path + state.address(page=turned.pages))
        now = utcnow()
        return self.render_template(  # type: ignore[no-any-return]
            "research/activities.html",
            rows=[(row, *due(row, now), join_button(self.identity, row, now)) for row in rows],
            facets=_facets(state, counts, wanted.whole),
            pager=turned,
            carried=_carried(state),
            whole=wanted.whole,
            other=self._other_list(state) if teacher_id is not None and self._looks_further() else "",
            states=STATES,
            colours=COLOURS,
            is_member=teacher_id is not None and not wanted.whole,
            narrowed=bool(state.filters),
            text_of=text_of,
            moment_text=moment_text,
        )

    def _looks_further(self) -> bool:
        """Whether the person reads activities beyond the groups they belong to: the IT team does."""
        joined = self.identity.paths("join", "activity")
        return any(path not in joined for path in self.identity.paths("read", "activity"))

    def _other_list(self, state: ListState) -> str:
        return request.path + ("?" if WHOLE in state.only else f"?only.{WHOLE}=1")


def own_tasks(db: Any, identity: Identity, teacher_id: int, also: Collection[Programme], now: datetime) -> dict[str, Any]:
    """What ``research/_own_tasks.html`` shows: the person's hours, also of programmes without any so far, and what they have to do."""
    return {
        "tasks": [(task, *due(task, now)) for task in tasks_of(db, identity, teacher_id, now=now, most=TASKS)],
        "totals": [(programme, t, percent(t)) for programme, t in totals_of(db, identity, teacher_id, also=also, now=now)],
        "takes_part": identity.may("join", "activity"),
        "states": STATES,
        "colours": COLOURS,
        "text_of": text_of,
        "moment_text": moment_text,
    }


def percent(tallied: Tally) -> int:
    """How far the bar of hours is filled."""
    return min(100, int(tallied.counted * 100 / tallied.target)) if tallied.target > Decimal(0) else 100


def due(found: Found, now: datetime) -> tuple[str, str]:
    """When an activity is due or when it begins, in words, and the colour of the badge that says so (S0-40)."""
    activity = found.activity
    if activity.kind is ActivityKind.OFFLINE or found.state == COMPLETED:
        return "", ""
    if found.why_closed(now):
        return _("已结束"), "gray"
    if found.is_overdue(now):
        return _("已逾期"), "red"
    if now < activity.starts_at:
        return _("未开始"), "gray"
    days = (day_of(activity.ends_at) - day_of(now)).days
    return (_("今天截止"), "orange") if days == 0 else (_("还剩 %(days)s 天", days=days), "yellow" if days <= 3 else "green")


def join_button(identity: Identity, found: Found, now: datetime) -> Button:
    """参与 with its second confirmation, 进入研修 for who takes part, else a look at the activity (S0-81, S0-82)."""
    activity = found.activity
    address = url_for("ActivityPageView.show", pk=activity.id)
    if found.state == JOINED and activity.kind is not ActivityKind.OFFLINE and not found.why_not(now):
        return Button(_("进入研修"), address, "arrow-right", "primary")
    if found.state != NOT_JOINED or not may_join(identity, found, now):
        return Button(_("查看"), address, "eye")
    asked = "\n".join(
        (_("参与：%(title)s", title=activity.title), _("参与后请在 %(at)s 前完成，完成后才获得学时。", at=moment_text(activity.ends_at)))
    )
    return Button(_("参与"), url_for("ActivityPageView.join", pk=activity.id), "plus", "primary", "post", asked, confirm_label=_("确定"))


def may_join(identity: Identity, found: Found, now: datetime) -> bool:
    """Whether 参与 is offered; the service asks again."""
    is_own = teacher_of(identity) is not None and identity.reaches("join", "activity", found.activity.scope_path)
    return is_own and found.activity.kind is not ActivityKind.OFFLINE and found.state == NOT_JOINED and not found.why_not_joined(now)


def _wanted(state: ListState, *, whole: bool) -> Wanted:
    kinds: dict[str, ActivityKind] = {kind.value: kind for kind in ActivityKind}
    states: dict[str, Any] = {one.value: one for one in ActivityState} if whole else {name: name for name in STATES}
    return Wanted(whole, kinds.get(state.filters.get("kind", "")), states.get(state.filters.get("state", "")))


def _fits(key: tuple[str, str], state: ListState, without: str = "") -> bool:
    asked = [state.filters.get(name, "") if name != without else "" for name in ("kind", "state")]
    return all(not wanted or wanted == given for wanted, given in zip(asked, key, strict=True))


def _facets(state: ListState, counts: dict[tuple[str, str], int], whole: bool) -> Sequence[Facet]:
    taken = (
        [(one.value, _(one.label)) for one in (ActivityState.PUBLISHED, ActivityState.COMPLETED)]
        if whole
        else [(k, _(v)) for k, v in STATES.items()]
    )
    kinds = [(kind.value, _(kind.label)) for kind in ActivityKind]
    return [_facet(state, counts, 0, "kind", _("活动类型"), kinds), _facet(state, counts, 1, "state", _("状态"), taken)]


def _facet(
    state: ListState, counts: dict[tuple[str, str], int], place: int, name: str, label: str, choices: Sequence[tuple[str, str]]
) -> Facet:
    fitting = {key: number for key, number in counts.items() if _fits(key, state, without=name)}

    def number(value: str) -> int:
        return sum(count for key, count in fitting.items() if not value or key[place] == value)

    chosen = state.filters.get(name, "")
    pills = [
        Pill(said, state.with_filter(name, value), number(value), chosen == value, value) for value, said in [("", _("全部")), *choices]
    ]
    return Facet(name, label, pills)


def _carried(state: ListState) -> list[tuple[str, str]]:
    return [
        *((f"f.{name}", value) for name, value in state.filters.items()),
        *((f"only.{name}", "1") for name in state.only),
        ("size", str(state.size)),
    ]


def has_own_page(identity: Identity) -> bool:
    """Whether the person learns here: a member of a group, and whoever of the IT team is in none (S0-115)."""
    return teacher_of(identity) is not None and (identity.may("join", "activity") or identity.may("review", "outcome"))


ENTRIES.append(Entry("校本研修", "我的校本", "user-star", "TakingPartView.mine", 0, has_own_page))
ENTRIES.append(
    Entry("校本研修", "参与活动", "calendar-check", "TakingPartView.activities", 3, lambda identity: identity.may("join", "activity"))
)
