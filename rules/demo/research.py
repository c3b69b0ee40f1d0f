"""School research as the demonstration shows it: two schools in the middle of a programme, one that is just beginning.

Everything is written by the services people use, at the moments it would have happened; so what the pages count is counted from
the same records as anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.activities import Activity, ActivityKind, Comment, Evaluation, Participation, Rubric, Topic, TopicState
from models.hours import Programme
from models.org import Region, School, Stage
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeKind, SummaryState
from models.people import CertificationState, Subject, Teacher
from models.research import GroupPlan, ResearchGroup, ScaleItem, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.session import transaction
from rules.activities import ACTIVITY
from rules.demo.stories import CITY, COUNTY, Meeting, Story
from rules.demo.teachers import MANUALS_SCHOOL
from rules.files import claim
from rules.files_store import FileStore
from rules.grants import GROUP_MEMBER, IT_TEAM, SCHOOL_ADMIN
from rules.members import Appointment, appoint
from rules.offline import complete_offline
from rules.outcomes import OUTCOME_REVIEW
from rules.page_views import day_of
from rules.participation import complete, enter
from rules.removal import ask_removal
from rules.summaries import SUMMARY_REVIEW
from rules.uploads import keep_file
from rules.workflow import take

PROGRAMME = "中小学教师信息技术应用能力提升工程2.0"
TOLD_DAYS = 70
"""Nothing told of the schools is older."""
CRITERIA = "教学目标明确，符合课程标准\n教学设计合理，环节紧凑\n信息技术应用恰当\n学生参与充分\n教学效果良好"
SCALE = (("两案制定与落实", 20), ("信息化团队建设", 15), ("校本研修网络空间建设", 25), ("校本研修活动开展", 25), ("研修成果与应用", 15))

REVIEWED_BY = {SummaryState.PASSED: "pass", SummaryState.FAILED: "fail"}
"""How a summary ended → the step that ended it."""


def add_research(session: Session, *, now: datetime, files: FileStore | None = None) -> None:
    """Write the programme and its three schools; the papers of the plans only where there is a store for them."""
    with acting_as(SYSTEM), transaction(session):
        programme = _programme(session, now)
        for story in (CITY, COUNTY):
            _Middle(session, programme, story, now, files).write()
        _beginning(session, programme, now)


def _programme(session: Session, now: datetime) -> Programme:
    province = session.scalars(select(Region).filter_by(name="福建省")).one()
    first = _first_day(day_of(now))
    last = first.replace(year=first.year + 1) - timedelta(days=1)
    programme = Programme(name=PROGRAMME, year=first.year, region_id=province.id, starts_on=first, ends_on=last)
    programme.introduction = "以校为本、基于课堂、应用驱动、注重创新、精准测评，完成五年一周期的全员培训。"
    session.add(programme)
    session.flush()
    session.add_all(ScaleItem(programme_id=programme.id, name=name, most=most, rank=n) for n, (name, most) in enumerate(SCALE, start=1))
    session.flush()
    return programme


def _first_day(today: date) -> date:
    """Of the year of a programme that began before all that is told of it: the last 1 August or 1 February that far back."""
    before = today - timedelta(days=TOLD_DAYS)
    return max(day for day in (date(before.year - 1, 8, 1), date(before.year, 2, 1), date(before.year, 8, 1)) if day <= before)


def _beginning(session: Session, programme: Programme, now: datetime) -> None:
    """A school that has one group and still has to hand in its plans and form its team."""
    school = session.scalars(select(School).filter_by(name=MANUALS_SCHOOL)).one()
    taking_part = SchoolProgramme(programme_id=programme.id, school_id=school.id)
    session.add(taking_part)
    session.flush()
    session.add(ResearchGroup(school_programme_id=taking_part.id, name="理化生教研组"))
    session.flush()


class _Middle:
    """A school in the middle of it: a group with topics, activities of every kind, hours, reviews and outcomes."""

    def __init__(self, session: Session, programme: Programme, story: Story, now: datetime, files: FileStore | None) -> None:
        self.session, self.programme, self.story, self.now, self.files = session, programme, story, now, files
        self.school = session.scalars(select(School).filter_by(name=story.school)).one()
        certified = Teacher.certification == CertificationState.PASSED
        staff = session.scalars(select(Teacher).where(Teacher.school_id == self.school.id, certified).order_by(Teacher.id)).all()
        self.staff = {teacher.name: teacher for teacher in staff}
        self.others = [teacher.name for teacher in staff if teacher.name not in (story.leader, *story.members, *story.team)]

    def write(self) -> None:
        story = self.story
        taking_part = SchoolProgramme(programme_id=self.programme.id, school_id=self.school.id, state=SchoolState.OPEN)
        taking_part.theme, taking_part.about, taking_part.opened_at = story.theme, story.about, self._ago(60)
        self.session.add(taking_part)
        self.session.flush()
        self._papers(taking_part, "development_plan", "信息化教育教学发展规划方案.txt", "一、学校基础\n二、三年目标\n三、保障措施\n")
        self._papers(taking_part, "assessment_plan", "校本研修与考核方案.txt", "一、研修安排\n二、考核办法\n三、学时认定\n")
        self._papers(taking_part, "plan_template", "个人提升计划模板.txt", "姓名：\n选择的能力点：\n现状分析：\n提升目标：\n")
        appoint(
            self.session,
            Appointment(IT_TEAM, "信息化团队成员", self.school.id, self.school.scope_path, self.school.name, "/research/"),
            [self._account(name) for name in story.team],
            now=self._ago(65),
        )
        first, second = story.groups
        group = self._group(taking_part, *first, story.leader, [*story.members, *story.team[:1], *self.others[:6]])
        self._group(taking_part, *second, story.team[1], self.others[6:12])
        self._activities(group)
        self._summaries(taking_part)
        self._outcomes(group)
        self._scores(taking_part)
        self._leaving(taking_part)

    def _ago(self, days: int, hours: int = 0) -> datetime:
        return self.now - timedelta(days=days, hours=hours)

    def _account(self, name: str) -> int:
        return int(self.session.scalars(select(Account.id).where(Account.teacher_id == self.staff[name].id)).one())

    def _as(self, name: str) -> Identity:
        return Identity(account_id=self._account(name), everything=True)

    def _papers(self, owner: object, slot: str, name: str, text: str) -> None:
        if self.files is not None:
            uploader = self._as(self.story.leader)
            kept = keep_file(self.session, uploader, self.files, name, BytesIO(text.encode()), now=self.now)
            claim(self.session, uploader, owner, slot, [kept.id])

    def _group(self, taking_part: SchoolProgramme, name: str, subject: str, leader: str, members: Sequence[str]) -> ResearchGroup:
        group = ResearchGroup(school_programme_id=taking_part.id, name=name, leader_id=self.staff[leader].id)
        group.stage_id = self.session.scalars(select(Stage.id).filter_by(name=self.story.stage)).one()
        group.subject_id = self.session.scalars(select(Subject.id).filter_by(name=subject)).one()
        self.session.add(group)
        self.session.flush()
        to = Appointment(GROUP_MEMBER, "成员", self.school.id, group.scope_path, group.name, "/research/mine/")
        appoint(self.session, to, [self._account(member) for member in members], now=self._ago(55))
        return group

    def _activities(self, group: ResearchGroup) -> None:
        story, today = self.story, day_of(self.now)
        plan = GroupPlan(group_id=group.id, title=f"{group.name}本年度研修计划", content="每月一个专题，每周一次集体备课，期末汇报课例。")
        title, about = story.topic
        topic = Topic(group_id=group.id, title=title, starts_on=today - timedelta(days=50), ends_on=today + timedelta(days=60))
        topic.about, topic.state = about, TopicState.PUBLISHED
        draft = Topic(group_id=group.id, title=story.draft, starts_on=today + timedelta(days=20), ends_on=today + timedelta(days=90))
        rubric = Rubric(group_id=group.id, name="课堂教学评价表", criteria=CRITERIA)
        self.session.add_all([plan, topic, draft, rubric])
        self.session.flush()
        self._discuss(self._activity(topic, ActivityKind.DISCUSSION, story.talk, 40))
        work = self._activity(topic, ActivityKind.HOMEWORK, story.homework, 35)
        for name in story.homework_by:
            self._papers(self._finish(work, name, 20), "homework", f"{name}教学反思.txt", "课例的亮点、不足与改进设想。\n")
        taught = {"rubric_id": rubric.id, "teaching_teacher_id": self.staff[story.leader].id}
        self._watch(self._activity(topic, ActivityKind.OBSERVATION, story.lesson, 30, **taught))
        for meeting in story.meetings:
            self._meet(topic, meeting)
        self._activity(topic, ActivityKind.DISCUSSION, story.upcoming, 3)

    def _activity(self, topic: Topic, kind: ActivityKind, title: str, days_ago: int, **given: object) -> Activity:
        row = Activity(topic_id=topic.id, kind=kind, title=title, starts_at=self._ago(days_ago), ends_at=self._ago(-30), **given)
        row.requirements = "请先阅读材料，再结合自己的课堂参与。"
        self.session.add(row)
        self.session.flush()
        take(self.session, SYSTEM, ACTIVITY, row, "publish", now=self._ago(days_ago), commit=False)
        return row

    def _finish(self, activity: Activity, name: str, days_ago: int) -> Participation:
        joined = enter(self.session, SYSTEM, activity, self.staff[name].id, now=self._ago(days_ago, 3))
        complete(self.session, SYSTEM, joined, now=self._ago(days_ago))
        return joined

    def _discuss(self, activity: Activity) -> None:
        first = None
        for n, (name, body) in enumerate(self.story.said):
            answers = first.id if n == 2 and first is not None else None
            said = Comment(activity_id=activity.id, teacher_id=self.staff[name].id, body=body, parent_id=answers)
            said.created_at = self._ago(38 - n)
            self.session.add(said)
            self.session.flush()
            first = first or said
            self._finish(activity, name, 38 - n)

    def _watch(self, activity: Activity) -> None:
        """Everybody gives their stars; one of the team has only joined."""
        for n, name in enumerate(self.story.watched_by):
            stars = [5, 4, 5, 4 - n, 5]
            average = Decimal(sum(stars)) / len(stars)
            mine = Evaluation(activity_id=activity.id, teacher_id=self.staff[name].id, stars=stars, average=average)
            mine.summary = "目标明确，环节紧凑；建议给学生更多独立思考的时间。"
            self.session.add(mine)
            self._finish(activity, name, 15)
        enter(self.session, SYSTEM, activity, self.staff[self.story.team[0]].id, now=self._ago(2))

    def _meet(self, topic: Topic, held: Meeting) -> None:
        """Held offline: everybody named is credited with the evidence (S1-32, S1-33)."""
        how = {"hours": held.hours, "offline_form": held.form}
        activity = self._activity(topic, ActivityKind.OFFLINE, held.title, held.days_ago, **how)
        for name in held.there:
            enter(self.session, SYSTEM, activity, self.staff[name].id, now=self._ago(held.days_ago))
        self._papers(activity, "evidence", f"{held.form.label}记录.txt", "时间、地点、参加人员、内容与分工。\n")
        complete_offline(self.session, SYSTEM, activity, ["记录"], now=self._ago(held.days_ago - 1))

    def _summaries(self, taking_part: SchoolProgramme) -> None:
        """Improvement plans and summaries, handed in by their authors and reviewed by the team."""
        points = self.session.scalars(select(AbilityPoint).order_by(AbilityPoint.rank).offset(4)).all()
        reviewer = self.story.team[1]
        for n, ((name, ended), point) in enumerate(zip(self.story.summaries, points, strict=False)):
            theirs = {"school_programme_id": taking_part.id, "teacher_id": self.staff[name].id}
            plan = ImprovementPlan(**theirs, handed_in_at=self._ago(45 - n))
            summary = AbilitySummary(**theirs, ability_point_id=point.id, handed_in_at=self._ago(10 - n))
            summary.reviewer_id = self.staff[reviewer].id
            self.session.add_all([plan, summary])
            self.session.flush()
            self._papers(plan, "plan", f"{name}个人提升计划.txt", "选择三个能力点，每月应用一次，期末总结。\n")
            self._papers(summary, "summary", f"{name}{point.name}总结.txt", "应用场景、做法、效果与反思。\n")
            if step := REVIEWED_BY.get(ended):
                said = "请补充课堂实例和学生作品。" if ended is SummaryState.FAILED else ""
                take(self.session, self._as(reviewer), SUMMARY_REVIEW, summary, step, comment=said, now=self._ago(4), commit=False)

    def _outcomes(self, group: ResearchGroup) -> None:
        """A teaching case that is not complete yet and an outcome that is; submitted where there is a store for its file."""
        story, (title, about) = self.story, self.story.outcome
        case = Outcome(group_id=group.id, kind=OutcomeKind.TEACHING_CASE, title=story.case)
        made = Outcome(group_id=group.id, title=title, about=about)
        self.session.add_all([case, made])
        self.session.flush()
        if self.files is None:
            return
        self._papers(made, "others", f"{title}使用说明.txt", "适用课题、播放时机与课堂提问建议。\n")
        take(self.session, self._as(story.leader), OUTCOME_REVIEW, made, "submit", now=self._ago(3), commit=False)
        if story.opinion:
            team = self._as(story.team[1])
            take(self.session, team, OUTCOME_REVIEW, made, "review", comment=story.opinion, now=self._ago(1), commit=False)

    def _scores(self, taking_part: SchoolProgramme) -> None:
        """What the team has given so far (S0-28)."""
        items = self.session.scalars(select(ScaleItem).filter_by(programme_id=self.programme.id).order_by(ScaleItem.rank)).all()
        for item, points in zip(items, self.story.points, strict=False):
            score = ScaleScore(school_programme_id=taking_part.id, scale_item_id=item.id, points=points)
            score.remark = "依据学校提交的材料和现场查看。"
            self.session.add(score)
        self.session.flush()

    def _leaving(self, taking_part: SchoolProgramme) -> None:
        """The school's administrator has asked to take somebody out, and the superior has not decided (S1-43…45)."""
        if self.story.leaving is not None:
            name, reason = self.story.leaving
            asks = select(Post.account_id).where(Post.role == SCHOOL_ADMIN, Post.school_id == self.school.id)
            school = Identity(account_id=self.session.scalars(asks).one(), everything=True)
            ask_removal(self.session, school, taking_part, self.staff[name].id, reason, now=self._ago(2))
