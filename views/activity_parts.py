"""What the page of an activity shows: the facts, the part that belongs to its kind, who takes part, and the buttons (S0-80…91, S1-13…20).

The one thing a newcomer gets wrong: the comments and the average stars belong to the activity, so whoever may look at it sees them;
what one member has handed in is read by who reaches that participation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import abort, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from models.activities import Activity, ActivityKind, ActivityState, Comment, Evaluation, Participation, ParticipationState
from models.base import row_id, utcnow
from models.people import Teacher
from models.research import ResearchGroup
from models.scoping import acting_as
from rules.closing import why_kept
from rules.files import files_of
from rules.members import Member, is_approved, members_of, teacher_of
from rules.my_research import COMPLETED, JOINED, NOT_JOINED, STATES, Found
from rules.participation import PARTICIPATION, participation_in
from rules.removal import is_removed
from rules.taking_part import LESSON, LONGEST_COMMENT, LONGEST_SUMMARY, MOST_STARS, averages, is_editable, surroundings
from rules.workflow import why_not
from views.pages import PageView
from views.panel.attaching import Attaching, file_line, file_lists
from views.panel.cells import moment_text, text_of
from views.panel.list_page import pager
from views.panel.listing import read_state
from views.panel.pages import Button, FileLine
from views.panel.words import told
from views.taking_part import COLOURS, due, join_button, may_join

MOST_SHOWN = 200
"""Participants on the page; more of them are in the generated list."""
COMPLETES = {
    ActivityKind.DISCUSSION: "发布至少一条评课记录后完成。",
    ActivityKind.HOMEWORK: "上传至少一个作业文件后完成，活动结束前可以替换。",
    ActivityKind.OBSERVATION: "给每一条评价内容评星并填写评价总结及建议后完成，活动结束前可以修改。",
    ActivityKind.OFFLINE: "由组长指定参与人员；组长上传佐证材料后，所有参与人员自动完成，不需要线上操作。",
}
TEACHES = "您是执教教师：上传教学设计和教学反思后完成，不需要评自己的课；活动结束前可以替换。"


@dataclass(frozen=True)
class Typed:
    """What was sent and refused: which form, its values, and the sentence beside its field."""

    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    where: str = ""
    files: Attaching | None = None
    ticked: Sequence[int] = ()
    """The teachers who are to be named."""

    def summary(self) -> list[tuple[str, str]]:
        """Every error with the id of what it stands beside, for the summary on top of the page."""
        beside_files = self.files.summary() if self.files is not None else []
        is_told = not self.error or (self.files is not None and self.where in self.files.errors)
        return beside_files if is_told else [(self.form if self.where == "body" else self.where, self.error), *beside_files]


@dataclass(frozen=True)
class Thread:
    """A comment as the page shows it, with its answers."""

    comment: Comment
    author: str
    text: str
    can_edit: bool
    answers: Sequence[Thread] = ()


@dataclass(frozen=True)
class Participant:
    participation: Participation
    name: str
    files: Sequence[FileLine]
    give_back: Button | None
    take_off: Button | None


class ActivityParts(PageView):
    """Everything of the page but what its forms and buttons do."""

    def _page(self, activity: Activity, typed: Typed | None = None) -> Response:
        identity, now = self.identity, utcnow()
        found = self._found(activity)
        is_member = teacher_of(identity) is not None and identity.reaches("join", "activity", activity.scope_path)
        leads = identity.reaches("publish", "activity", activity.scope_path)
        why = found.why_not_joined(now) if is_member and found.state == NOT_JOINED else found.why_not(now)
        works = is_member and found.state in (JOINED, COMPLETED) and not why
        word, colour = due(found, now)
        context: dict[str, Any] = {
            "activity": activity,
            "found": found,
            "is_member": is_member,
            "leads": leads,
            "why": told(found.why_closed(now) if activity.kind is ActivityKind.OFFLINE else why),
            "works": works,
            "due": word,
            "due_colour": colour,
            "completes": _(TEACHES if self._teaches(activity) else COMPLETES[activity.kind]),
            "join": join_button(identity, found, now) if may_join(identity, found, now) else None,
            "leave": self._leave_button(activity) if self._may_leave(found, is_member) else None,
            "files": [one for one in file_lists(self.db, self.identity, activity) if one.files],
            "participants": self._participants(found, leads, now),
            "most_shown": MOST_SHOWN,
            "typed": typed or Typed(),
            "states": STATES,
            "colours": COLOURS,
            "text_of": text_of,
            "moment_text": moment_text,
        }
        context |= self._part_of_kind(found, leads, works, typed, now)
        return self.render_template("research/activity.html", **context)  # type: ignore[no-any-return]

    def _part_of_kind(self, found: Found, leads: bool, works: bool, typed: Typed | None, now: datetime) -> dict[str, Any]:
        activity = found.activity
        if activity.kind is ActivityKind.DISCUSSION:
            return self._discussion(activity, works, now)
        if activity.kind is ActivityKind.OBSERVATION:
            return self._observation(found, works, typed)
        if activity.kind is ActivityKind.HOMEWORK:
            files = (typed and typed.files) or (self._homework(activity, found.participation) if works else None)
            handed_in = [] if files is not None else self._handed_in(found.participation)
            return {"box": files.boxes()[0] if files is not None else None, "handed_in": handed_in}
        is_open = leads and not found.why_closed(now)
        takes_evidence = is_open and activity.state is ActivityState.PUBLISHED and now >= activity.starts_at
        files = (typed and typed.files) or (self._evidence(activity) if takes_evidence else None)
        return {
            "box": files.boxes()[0] if files is not None else None,
            "nameable": self._nameable(found) if is_open and activity.state is not ActivityState.COMPLETED else (),
            "early": is_open and now < activity.starts_at,
            "reopen": self._reopen_button(found) if leads and activity.state is ActivityState.COMPLETED else None,
        }

    def _handed_in(self, participation: Participation | None) -> Sequence[FileLine]:
        rows = [participation] if participation is not None else []
        return [file_line(file) for files in files_of(self.db, rows, "homework").values() for file in files]

    def _discussion(self, activity: Activity, works: bool, now: datetime) -> dict[str, Any]:
        state = read_state(request.args)
        authored = select(Comment, Teacher.name).join(Teacher, Teacher.id == Comment.teacher_id)
        top = authored.add_columns(func.count().over()).where(Comment.activity_id == activity.id, Comment.parent_id.is_(None))
        newest = top.order_by(Comment.created_at.desc(), Comment.id.desc()).limit(state.size)
        with acting_as(self.identity.serving()):
            found = self.db.execute(newest.offset((state.page - 1) * state.size)).all()
            if not found and state.page > 1:
                state, found = replace(state, page=1), self.db.execute(newest).all()
            turned = pager(state, found[0][2] if found else 0)
            shown = [(comment, name) for comment, name, _all in found]
            below = authored.where(Comment.parent_id.in_([comment.id for comment, _name in shown])).order_by(Comment.id)
            answers = self.db.execute(below).all() if shown else []
        moderates = self.identity.reaches("moderate", "comment", activity.scope_path)

        def thread(comment: Comment, name: str) -> Thread:
            mine = teacher_of(self.identity)
            is_seen = comment.hidden_at is None or moderates or comment.teacher_id == mine
            under = [thread(answer, author) for answer, author in answers if answer.parent_id == comment.id]
            return Thread(comment, name, comment.body if is_seen else "", works and is_editable(comment, mine, now), under)

        return {
            "threads": [thread(comment, name) for comment, name in shown],
            "comments": turned,
            "hide": (lambda comment: self._hide_button(activity, comment)) if moderates else None,
            "longest": LONGEST_COMMENT,
        }

    def _teaches(self, activity: Activity) -> bool:
        """Whether it is the person's own lesson."""
        return activity.teaching_teacher_id is not None and activity.teaching_teacher_id == teacher_of(self.identity)

    def _observation(self, found: Found, works: bool, typed: Typed | None) -> dict[str, Any]:
        """The stars are shown to who has given some, to whose lesson it is, and to who answers for the group, so that nobody copies."""
        activity, mine, teaches = found.activity, teacher_of(self.identity), self._teaches(found.activity)
        criteria = activity.rubric.items if activity.rubric is not None else []
        with acting_as(self.identity.serving()):
            rows = self.db.execute(
                select(Evaluation, is_removed(found.school.id, Evaluation.teacher_id)).where(Evaluation.activity_id == activity.id)
            ).all()
            lecturer = self.db.scalar(select(Teacher.name).where(Teacher.id == activity.teaching_teacher_id))
        own = next((one for one, _gone in rows if one.teacher_id == mine), None)
        given = [one for one, gone in rows if not gone and one.teacher_id != activity.teaching_teacher_id]
        may_see = own is not None or teaches or self.identity.reaches("read", "evaluation", activity.scope_path)
        files = (typed and typed.files) or (self._lesson(activity) if works and teaches else None)
        means = averages([one.stars for one in given], len(criteria)) if may_see else []
        return {
            "criteria": criteria,
            "lecturer": lecturer or activity.guest_teacher,
            "teaches": teaches,
            "box": files.boxes()[0] if files is not None else None,
            "own": own,
            "averages": list(zip(criteria, means, strict=True)) if means else [],
            "given": len(given),
            "most_stars": MOST_STARS,
            "longest": LONGEST_SUMMARY,
        }

    def _participants(self, found: Found, leads: bool, now: datetime) -> Sequence[Participant] | None:
        """Who takes part, with states and homework; None where the person may not know."""
        activity = found.activity
        if activity.kind is not ActivityKind.OFFLINE and not self.identity.reaches("read", "participation", activity.scope_path):
            return None
        there = select(Participation, Teacher.name).join(Teacher, Teacher.id == Participation.teacher_id)
        there = there.where(Participation.activity_id == activity.id, Participation.state != ParticipationState.REMOVED)
        with acting_as(self.identity.serving()):
            rows = self.db.execute(there.order_by(Participation.joined_at, Participation.id).limit(MOST_SHOWN)).all()
        homework = files_of(self.db, [row for row, _name in rows], "homework") if activity.kind is ActivityKind.HOMEWORK else {}
        gives_back = activity.kind is not ActivityKind.OFFLINE and self.identity.reaches("return", "participation", activity.scope_path)
        takes_off = leads and activity.kind is ActivityKind.OFFLINE and not found.why_closed(now)
        mine = teacher_of(self.identity)
        return [
            Participant(
                row,
                name,
                [file_line(file) for file in homework.get(row.id, ())],
                self._return_button(found, row)
                if gives_back and row.state is ParticipationState.COMPLETED and row.teacher_id != mine
                else None,
                self._take_off_button(activity, row, name) if takes_off and row.state is ParticipationState.JOINED else None,
            )
            for row, name in rows
        ]

    def _nameable(self, found: Found) -> Sequence[Member]:
        return members_of(self.db, self.identity, found.group)

    # --- buttons ------------------------------------------------------------------------------------------------------

    def _may_leave(self, found: Found, is_member: bool) -> bool:
        row = found.participation
        is_open = is_member and found.state == JOINED and found.activity.kind is not ActivityKind.OFFLINE
        return is_open and row is not None and row.round == 1 and not why_kept(found.school.state)

    def _leave_button(self, activity: Activity) -> Button:
        asked = _("退出后不再参与这个活动，活动结束前可以重新参与。确定退出吗？")
        return Button(_("退出活动"), self._url("leave", activity), "logout", "normal", "post", asked)

    def _return_button(self, found: Found, row: Participation) -> Button:
        asked = _("退回后这次完成所得的学时会冲销，教师需要重新完成。确定退回吗？")
        values = (("participation", str(row.id)),)
        why = told(why_kept(found.school.state) or why_not(self.identity, PARTICIPATION, row, "return"))
        address = self._url("give_back", found.activity)
        return Button(_("退回"), address, "arrow-back-up", "danger", "post", asked, "required", _("退回原因"), why=why, values=values)

    def _take_off_button(self, activity: Activity, row: Participation, name: str) -> Button:
        return Button(_("移出"), self._url("name", activity), "user-minus", "danger", "post", values=(("remove", str(row.teacher_id)),))

    def _hide_button(self, activity: Activity, row: Comment) -> Button:
        address = url_for("ActivityPageView.hide_comment", pk=activity.id, comment=row.id)
        asked = _("隐藏后其他成员看不到内容，作者会收到原因；由它完成的活动不受影响。")
        return Button(_("隐藏"), address, "eye-off", "danger", "post", asked, "required", _("隐藏原因"))

    def _reopen_button(self, found: Found) -> Button:
        asked = _("重新开放后，所有参与人员这次所得的学时会冲销，需要再次上传佐证材料才能完成。")
        address, why = self._url("reopen", found.activity), told(why_kept(found.school.state))
        return Button(_("重新开放"), address, "lock-open", "danger", "post", asked, "required", _("重新开放的原因"), why=why)

    # --- finding ------------------------------------------------------------------------------------------------------

    def _activity(self, pk: Any) -> Activity:
        """The activity within reach: 403 without the act, 404 out of reach."""
        if not self.identity.may("read", "activity"):
            abort(403)
        number = row_id(pk)
        linked = (joinedload(Activity.topic), joinedload(Activity.group), joinedload(Activity.rubric))  # type: ignore[attr-defined]
        found = self.db.get(Activity, number, options=linked) if number is not None else None
        return found if found is not None else abort(404)

    def _led(self, pk: str) -> Activity:
        activity = self._activity(pk)
        if not self.identity.reaches("publish", "activity", activity.scope_path):
            abort(403)
        return activity

    def _found(self, activity: Activity) -> Found:
        own = self._own(activity)
        with acting_as(self.identity.serving()):
            topic, school, programme = surroundings(self.db, activity)
            group = self.db.get_one(ResearchGroup, activity.group_id)
            asked = select(is_approved(teacher_of(self.identity), school.school_id))
            able = own is not None or bool(self.db.scalar(asked))
        return Found(activity, topic, group, school, programme, own, able)

    def _own(self, activity: Activity) -> Participation | None:
        teacher_id = teacher_of(self.identity)
        if teacher_id is None:
            return None
        with acting_as(self.identity.serving()):
            return participation_in(self.db, activity, teacher_id)

    def _part(self, activity: Activity, text: str) -> Participation:
        number = row_id(text)
        found = self.db.get(Participation, number) if number is not None else None
        return found if found is not None and found.activity_id == activity.id else abort(404)

    def _comment(self, activity: Activity, text: str) -> Comment:
        number = row_id(text)
        found = self.db.get(Comment, number) if number is not None else None
        return found if found is not None and found.activity_id == activity.id else abort(404)

    def _homework(self, activity: Activity, participation: Participation | None) -> Attaching:
        return Attaching(self.db, self.identity, Participation, participation, only=("homework",))

    def _lesson(self, activity: Activity) -> Attaching:
        return Attaching(self.db, self.identity, Activity, activity, only=(LESSON,))

    def _evidence(self, activity: Activity) -> Attaching:
        return Attaching(self.db, self.identity, Activity, activity, only=("evidence",))

    def _url(self, endpoint: str, activity: Activity) -> str:
        return url_for(f"ActivityPageView.{endpoint}", pk=activity.id)
