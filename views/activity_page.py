"""活动详情: what its forms and buttons do (S0-80…91, S0-107…111, S1-13…20); ``views.activity_parts`` says what it shows.

Every button ends in a service of ``rules.taking_part`` or ``rules.activities``. The one thing a newcomer gets wrong: a refusal comes
back to this page, beside its field and with everything that was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import abort, flash, make_response, redirect, request
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from models.activities import Activity, ActivityKind, ParticipationState
from models.base import row_id, utcnow
from models.violation import RuleViolation
from rules.offline import name_participants, reopen_offline, will_be_credited
from rules.participation import PARTICIPATION
from rules.taking_part import (
    LESSON,
    edit_comment,
    evaluate,
    hand_in_evidence,
    hand_in_homework,
    hand_in_lesson,
    hide_comment,
    join,
    leave,
    say,
    unname,
)
from rules.workflow import take
from views.activity_parts import ActivityParts, Typed
from views.panel.attaching import Attaching
from views.panel.cells import text_of
from views.panel.pages import Button, ConfirmPage
from views.panel.words import listed, refused
from views.taking_part import join_button


class ActivityPageView(ActivityParts):
    """One activity, for who takes part in it and who looks on."""

    route_base = "/research/activities"

    @expose("/<pk>")
    @login_required
    def show(self, pk: str) -> Response:
        """The page."""
        return self._page(self._activity(pk))

    # --- joining, leaving, returning ----------------------------------------------------------------------------------

    @expose("/<pk>/join", methods=["POST"])
    @login_required
    def join(self, pk: str) -> Response:
        """参与, after the second confirmation (S0-81)."""
        activity = self._activity(pk)
        button = join_button(self.identity, self._found(activity), utcnow())
        asked = button.confirm if button.method == "post" else _("参与：%(title)s", title=activity.title)
        return self._press(
            activity,
            Button(_("参与"), self._url("join", activity), "plus", "primary", "post", asked, confirm_label=_("确定")),
            lambda now: join(self.db, self.identity, activity, now=now),
            _("已参与，可以进入研修了。"),
        )

    @expose("/<pk>/leave", methods=["POST"])
    @login_required
    def leave(self, pk: str) -> Response:
        """退出, until it is completed."""
        activity = self._activity(pk)
        return self._press(
            activity, self._leave_button(activity), lambda now: leave(self.db, self.identity, activity, now=now), _("已退出活动。")
        )

    @expose("/<pk>/return", methods=["POST"])
    @login_required
    def give_back(self, pk: str) -> Response:
        """退回: the leader takes a completion back with a reason; its hours are void."""
        activity = self._activity(pk)
        row = self._part(activity, request.form.get("participation", ""))
        if not self.identity.may("return", "participation"):
            abort(403)

        def act(now: datetime) -> None:
            take(self.db, self.identity, PARTICIPATION, row, "return", comment=request.form.get("comment", ""), now=now)

        return self._press(activity, self._return_button(self._found(activity), row), act, _("已退回，所得学时已冲销。"))

    # --- what completes it --------------------------------------------------------------------------------------------

    @expose("/<pk>/comments", methods=["POST"])
    @login_required
    def say(self, pk: str) -> Response:
        """发布 a comment, or an answer to one (S0-86)."""
        activity, answers = self._activity(pk), row_id(request.form.get("answers", ""))
        form = f"answer-{answers}" if answers else "say"
        body = request.form.get("body", "")
        return self._send(activity, form, lambda now: say(self.db, self.identity, activity, body, answers=answers, now=now), _("已发布。"))

    @expose("/<pk>/comments/<comment>", methods=["POST"])
    @login_required
    def edit_comment(self, pk: str, comment: str) -> Response:
        """Its author says it better, within half an hour."""
        activity = self._activity(pk)
        row, body = self._comment(activity, comment), request.form.get("body", "")
        return self._send(activity, f"edit-{row.id}", lambda now: edit_comment(self.db, self.identity, row, body, now=now), _("已保存。"))

    @expose("/<pk>/comments/<comment>/hide", methods=["POST"])
    @login_required
    def hide_comment(self, pk: str, comment: str) -> Response:
        """The leader takes a comment out of sight, with a reason."""
        activity = self._activity(pk)
        row, reason = self._comment(activity, comment), request.form.get("comment", "")
        if not self.identity.may("moderate", "comment"):
            abort(403)
        return self._press(
            activity,
            self._hide_button(activity, row),
            lambda now: hide_comment(self.db, self.identity, row, reason, now=now),
            _("已隐藏。"),
        )

    @expose("/<pk>/evaluation", methods=["POST"])
    @login_required
    def evaluate(self, pk: str) -> Response:
        """保存 the stars and the summary (S0-88…90)."""
        activity = self._activity(pk)
        criteria = activity.rubric.items if activity.rubric is not None else ()
        stars = [row_id(request.form.get(f"stars.{n}", "")) or 0 for n in range(len(criteria))]
        summary = request.form.get("summary", "")
        return self._send(
            activity, "evaluation", lambda now: evaluate(self.db, self.identity, activity, stars, summary, now=now), _("评课表已保存。")
        )

    @expose("/<pk>/homework", methods=["POST"])
    @login_required
    def hand_in(self, pk: str) -> Response:
        """上传作业 (S0-91)."""
        activity = self._activity(pk)
        files = self._homework(activity, self._own(activity))

        def act(now: datetime) -> None:
            hand_in_homework(self.db, self.identity, activity, [a.id for a in files.chosen["homework"]], now=now)

        return self._send(activity, "homework", act, _("作业已上传。"), files)

    @expose("/<pk>/lesson", methods=["POST"])
    @login_required
    def lesson(self, pk: str) -> Response:
        """上传教学设计和教学反思: what the teaching teacher does instead of giving stars (S1-12)."""
        activity = self._activity(pk)
        files = self._lesson(activity)

        def act(now: datetime) -> None:
            hand_in_lesson(self.db, self.identity, activity, [a.id for a in files.chosen[LESSON]], now=now)

        return self._send(activity, "lesson", act, _("教学设计和教学反思已上传。"), files)

    # --- offline: the leader ------------------------------------------------------------------------------------------

    @expose("/<pk>/participants", methods=["POST"])
    @login_required
    def name(self, pk: str) -> Response:
        """Name who takes part, or take a name back (S1-14)."""
        activity = self._led(pk)
        gone = row_id(request.form.get("remove", ""))
        if gone is not None:
            return self._send(activity, "name", lambda now: unname(self.db, self.identity, activity, gone, now=now), _("已移出。"))
        ids, files = _ticked(), self._evidence(activity) if "files.evidence" in request.form else None
        answer = self._send(
            activity, "name", lambda now: name_participants(self.db, self.identity, activity, ids, now=now), _("已指定参与人员。"), files
        )
        if answer.status_code == 303 and files is not None and files.differences():
            return self._page(self._activity(pk), Typed(files=files))
        return answer

    @expose("/<pk>/evidence", methods=["POST"])
    @login_required
    def evidence(self, pk: str) -> Response:
        """Upload the evidence, which completes it for everybody named, whoever is ticked included (S1-32, S1-33)."""
        activity = self._led(pk)
        files, naming = self._evidence(activity), _ticked()
        evidence = [a.id for a in files.chosen["evidence"]]
        if "revise" in request.form:
            return self._page(activity, Typed("evidence", files=files, ticked=naming))
        if request.form.get("confirmed") != "1" and not files.errors:
            return self._ask_to_complete(activity, files, evidence, naming)

        def act(now: datetime) -> None:
            hand_in_evidence(self.db, self.identity, activity, evidence, naming, now=now)

        return self._send(activity, "evidence", act, _("活动已完成，参与人员的学时已记入。"), files)

    def _ask_to_complete(self, activity: Activity, files: Attaching, evidence: list[int], naming: list[int]) -> Response:
        """Who will be credited, before anybody is; 取消 leads back to the ticks and the files."""
        try:
            names = will_be_credited(self.db, self.identity, activity, evidence, naming, now=utcnow())
        except RuleViolation as refusal:
            return self._refuse(activity, "evidence", files, refusal)
        told = {"count": len(names), "hours": text_of(activity.hours), "names": listed(names)}
        asked = _("%(count)s 人将获得 %(hours)s 学时：%(names)s。确定完成活动吗？", **told)
        sent = (("files.evidence", ""), *(("files.evidence", str(one)) for one in evidence), *(("teacher", str(one)) for one in naming))
        button = Button(_("完成活动"), self._url("evidence", activity), "circle-check", "primary", "post", asked, values=sent)
        return self._ask(activity, button, is_revisable=True)

    @expose("/<pk>/reopen", methods=["POST"])
    @login_required
    def reopen(self, pk: str) -> Response:
        """重新开放 a completed offline activity, with a reason."""
        activity = self._led(pk)
        reason = request.form.get("comment", "")
        return self._press(
            activity,
            self._reopen_button(self._found(activity)),
            lambda now: reopen_offline(self.db, self.identity, activity, reason, now=now),
            _("已重新开放，所得学时已冲销。"),
        )

    # --- doing it -----------------------------------------------------------------------------------------------------

    def _press(self, activity: Activity, button: Button, act: Callable[[datetime], object], done: str) -> Response:
        """Ask first, then do it; a refusal is told where it was asked."""
        back = self._url("show", activity)
        if request.form.get("confirmed") != "1":
            return self._ask(activity, button)
        try:
            act(utcnow())
        except RuleViolation as refusal:
            if refusal.field == "comment":
                return self._ask(self._activity(activity.id), button, refused(refusal)), 422  # type: ignore[return-value]
            flash(refused(refusal), "danger")
        else:
            flash(done, "success")
        return redirect(back, 303)

    def _ask(self, activity: Activity, button: Button, refusal: str = "", is_revisable: bool = False) -> Response:
        title = _("：").join((button.label, activity.title))
        message, typed = button.confirm.rpartition("\n")[2], request.form.get("comment", "")
        page = ConfirmPage(title, message, button, self._url("show", activity), comment=typed, refusal=refusal, is_revisable=is_revisable)
        return self.render_template("panel/confirm.html", page=page)  # type: ignore[no-any-return]

    def _send(
        self, activity: Activity, form: str, act: Callable[[datetime], object], done: str, files: Attaching | None = None
    ) -> Response:
        """Do what a form of the page asks; a refusal stands beside its field, with everything typed kept."""
        try:
            if files is not None and files.errors:
                return self._refuse(activity, form, files)
            was_joined = self._is_joined(activity)
            act(utcnow())
        except RuleViolation as refusal:
            return self._refuse(activity, form, files, refusal)
        is_finished = was_joined and not self._is_joined(activity)
        flash(_("已完成活动，获得 %(hours)s 学时。", hours=text_of(activity.hours)) if is_finished else done, "success")
        return redirect(self._url("show", activity) + f"#{form.partition('-')[0]}", 303)

    def _is_joined(self, activity: Activity) -> bool:
        """Whether the person has joined it online and not completed it yet."""
        own = self._own(activity) if activity.kind is not ActivityKind.OFFLINE else None
        return own is not None and own.state is ParticipationState.JOINED

    def _refuse(self, activity: Activity, form: str, files: Attaching | None, refusal: RuleViolation | None = None) -> Response:
        sentence, where = (refused(refusal), refusal.field or "") if refusal is not None else ("", "")
        if files is not None and where in files.chosen:
            files.errors.setdefault(where, []).append(sentence)
        typed = Typed(form, request.form.to_dict(), sentence, where, files, _ticked())
        return make_response(self._page(self._activity(activity.id), typed), 422)


def _ticked() -> list[int]:
    """The teachers whose boxes were ticked."""
    return [number for text in request.form.getlist("teacher") if (number := row_id(text)) is not None]
