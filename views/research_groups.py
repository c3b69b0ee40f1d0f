"""教研组 and its members: who belongs to it and may come in, and which groups lack something (S0-29, S0-30, S0-52…58, S0-72…74)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from models.base import row_id, utcnow
from models.people import Teacher
from models.research import ResearchGroup
from models.scoping import Identity
from models.violation import RuleViolation
from rules.delegates import ends_on, may_delegate, substitutes_of
from rules.grants import GROUP_LEADER
from rules.groups import add_members, candidates, release_member, without_activity, without_leader, without_plan
from rules.members import Member, members_of
from views.pages import PageView
from views.panel.cells import moment_text, text_of
from views.panel.pages import Button, ConfirmPage
from views.panel.words import refused
from views.research_tables import BEGIN, ResearchView

QUIET_DAYS = 30
"""A group that has had no activity for so long stands in the worklist (S0-30)."""


@dataclass(frozen=True)
class MembersPage:
    """Who belongs to a group or a team, and who may come in: several at once (S0-74)."""

    title: str
    breadcrumbs: Sequence[tuple[str, str]]
    members: Sequence[Member]
    candidates: Sequence[Teacher]
    search: str
    url: str
    can_change: bool
    leader_role: str = ""
    can_lead: bool = False
    """Whether the reader says who leads."""
    stands_in: str = ""
    """Who leads the group for its leader, and until when."""
    delegating: Button | None = None
    """To name such a substitute, or to withdraw them."""
    back: Button | None = None
    """To the steps of the wizard, for whoever is still at them."""


def change_members(page: PageView | ResearchView, back: str, members: Callable[[], Sequence[Member]], add: Any, remove: Any) -> Response:
    """Take in those who were chosen, or let one go after the question; the sentence of a refusal is flashed."""
    gone = row_id(request.form.get("remove", ""))
    if gone is not None and request.form.get("confirmed") != "1":
        name = next((member.teacher.name for member in members() if member.post.id == gone), None)
        if name is not None:
            button = Button(_("移出"), back, "user-minus", "danger", "post", values=(("remove", str(gone)),))
            asked = ConfirmPage(_("移出：%(name)s", name=name), question(), button, back)
            return page.render_template("panel/confirm.html", page=asked)  # type: ignore[no-any-return]
    try:
        if gone is not None:
            remove(gone)
            flash(_("已移出。"), "success")
        else:
            ids = [number for text in request.form.getlist("teacher") if (number := row_id(text)) is not None]
            flash(_("已添加 %(count)s 名成员。", count=add(ids)), "success")
    except RuleViolation as refusal:
        flash(refused(refusal), "danger")
    return redirect(back, 303)


def question() -> str:
    """What is asked before a member is let go."""
    return _("移出后该成员不能再参加新的活动，已获得的学时不受影响。确定移出吗？")


class ResearchGroupView(ResearchView):
    """教研组: its members, one's own groups, those that lack a leader or a plan or have done nothing for a month (S0-30, S0-56, S0-72…74)."""

    model = ResearchGroup
    kept = frozenset({"delete"})
    extra_method_acts = {"members": "read"}

    def save_labels(self) -> tuple[str, str]:
        """In the wizard a group is confirmed, one at a time: 开始 → 创建教研组 → 确认 → 提交 (S0-48)."""
        return (_("确认"), "") if request.args.get("from") == BEGIN else super().save_labels()

    def list_conditions(self, only: frozenset[str]) -> Sequence[Any]:
        asked = {"without_leader": without_leader(), "without_plan": without_plan(), "quiet": without_activity(utcnow(), QUIET_DAYS)}
        conditions = [condition for name, condition in asked.items() if name in only]
        return [*conditions, self.of_own_groups()] if "mine" in only else conditions

    def list_buttons(self) -> Sequence[Button]:
        asked = {
            **({"mine": (_("我的教研组"), "user")} if self._sees_others() else {}),
            "without_leader": (_("没有组长的教研组"), "user-question"),
            "without_plan": (_("没有计划的教研组"), "clipboard-off"),
            "quiet": (_("一个月没有活动的教研组"), "zzz"),
        }
        whole, shown = self.url("list"), any(f"only.{name}" in request.args for name in asked)
        narrowed = [Button(label, f"{whole}?only.{name}=1", icon) for name, (label, icon) in asked.items()]
        return [*([Button(_("全部教研组"), whole, "list")] if shown else narrowed), *super().list_buttons()]

    def _sees_others(self) -> bool:
        """Whether somebody who belongs to a group reads other groups as well."""
        ours = self.own_groups()
        return bool(ours) and any(path not in ours for path in self.identity.paths("read", self.table))

    def record_buttons(self, row: Any) -> list[Button]:
        label = _("成员管理") if self._manages(row) else _("查看成员")
        return [Button(label, self.url("members", pk=row.id), "users"), *super().record_buttons(row)]

    def row_buttons(self, row: Any) -> tuple[list[Button], list[Button]]:
        inline, menu = super().row_buttons(row)
        label = _("成员管理") if self._manages(row) else _("查看成员")
        return [*inline, Button(label, self.url("members", pk=row.id), "users")], menu

    def _manages(self, row: Any) -> bool:
        return self.identity.reaches("members", self.table, row.scope_path)

    @expose("/members/<pk>", methods=["GET", "POST"])
    @has_access
    def members(self, pk: str) -> Response:
        """Leader and members; whoever manages them chooses several certified teachers at once."""
        group, identity = self.row(pk), self.identity
        if request.method == "POST":
            if "lead" in request.form:
                return self._lead(group, row_id(request.form["lead"]))
            if not self._manages(group):
                abort(403)
            return change_members(
                self,
                self.url("members", pk=pk),
                lambda: members_of(self.db, identity, group),
                lambda ids: add_members(self.db, identity, group, ids, now=utcnow()),
                lambda post: release_member(self.db, identity, group, post, now=utcnow()),
            )
        page = self._members_page(group, identity)
        return self.render_template("research/members.html", page=page, question=question(), moment_text=moment_text)  # type: ignore[no-any-return]

    def _lead(self, group: ResearchGroup, teacher_id: int | None) -> Response:
        """A member becomes the leader, as by the form of the group; whoever led stays a member (S0-29)."""
        if not self.reaches("edit", group):
            abort(403)
        leader = next((m.teacher for m in members_of(self.db, self.identity, group) if m.teacher.id == teacher_id), None)
        if leader is None:
            abort(404)
        try:
            group.leader_id = leader.id
            self.db.commit()
            flash(_("“%(name)s”已成为组长。", name=leader.name), "success")
        except RuleViolation as refusal:
            flash(refused(refusal), "danger")
        return redirect(self.url("members", pk=group.id), 303)

    def _members_page(self, group: ResearchGroup, identity: Identity) -> MembersPage:
        search, able = request.args.get("q", "").strip()[:20], self._manages(group)
        members = members_of(self.db, identity, group)
        stands_in, delegating = self._substitute(members)
        return MembersPage(
            title=_("成员管理：%(group)s", group=group.name) if able else _("成员：%(group)s", group=group.name),
            breadcrumbs=[
                (_("校本研修"), ""),
                (_("教研组"), self.url("list")),
                (group.name, self.url("show", pk=group.id)),
                (_("成员"), ""),
            ],
            members=members,
            candidates=candidates(self.db, identity, group, search) if able else (),
            search=search,
            url=self.url("members", pk=group.id),
            can_change=able,
            leader_role=GROUP_LEADER,
            can_lead=self.may("edit") and self.reaches("edit", group),
            stands_in=stands_in,
            delegating=delegating,
        )

    def _substitute(self, members: Sequence[Member]) -> tuple[str, Button | None]:
        """Who leads for the leader, in words; and the button of whoever may name or withdraw them."""
        leading = next((member.post for member in members if member.post.role == GROUP_LEADER), None)
        if leading is None:
            return "", None
        found = substitutes_of(self.db, self.identity, [leading.id], now=utcnow()).get(leading.id)
        may = may_delegate(self.identity, leading)
        if found is None or found.until is None:
            to_name = Button(_("委托代理"), url_for("DelegatesView.name", pk=leading.id, **{"from": "group"}), "user-plus")
            return "", to_name if may else None
        told_ = _("由%(name)s代理，至 %(until)s", name=found.contact_name, until=text_of(ends_on(found.until)))
        address, back = url_for("DelegatesView.withdraw", pk=found.id), (("from", "group"),)
        return told_, Button(_("收回代理"), address, "user-minus", "danger", "post", values=back) if may else None
