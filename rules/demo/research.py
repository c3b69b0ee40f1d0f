"""School research as the demonstration shows it: one school in the middle of a programme, one that is just beginning.

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

from models.access import Account
from models.activities import Activity, ActivityKind, Comment, Evaluation, OfflineForm, Participation, Rubric, Topic, TopicState
from models.hours import Programme
from models.org import Region, School, Stage
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeKind, OutcomeState, SummaryState
from models.people import CertificationState, Subject, Teacher
from models.research import GroupPlan, ResearchGroup, ScaleItem, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.session import transaction
from rules.activities import ACTIVITY
from rules.demo.teachers import LARGE_SCHOOL, MANUALS_SCHOOL
from rules.files import claim
from rules.files_store import FileStore
from rules.grants import GROUP_MEMBER, IT_TEAM
from rules.members import Appointment, appoint
from rules.offline import complete_offline
from rules.page_views import day_of
from rules.participation import complete, enter
from rules.uploads import keep_file
from rules.workflow import take

PROGRAMME = "中小学教师信息技术应用能力提升工程2.0"
LEADER, MEMBERS, TEAM = "周敏", ("吴芳", "郑凯"), ("何斌", "许静")
CRITERIA = "教学目标明确，符合课程标准\n教学设计合理，环节紧凑\n信息技术应用恰当\n学生参与充分\n教学效果良好"
SCALE = (("两案制定与落实", 20), ("信息化团队建设", 15), ("校本研修网络空间建设", 25), ("校本研修活动开展", 25), ("研修成果与应用", 15))
REMARKS = (
    "导入环节用短视频创设情境，学生兴趣很高，建议再压缩半分钟。",
    "小组讨论的任务单设计得很清楚，可以把评价量规提前发给学生。",
    "同意，量规提前发以后学生互评更有依据。",
    "建议课后把学生作品放到班级空间，便于后续展示交流。",
)


def add_research(session: Session, *, now: datetime, files: FileStore | None = None) -> None:
    """Write the programme and both schools; the papers of the plans only where there is a store for them."""
    with acting_as(SYSTEM), transaction(session):
        programme = _programme(session, now)
        _Middle(session, programme, now, files).write()
        _beginning(session, programme, now)


def _programme(session: Session, now: datetime) -> Programme:
    today = day_of(now)
    province = session.scalars(select(Region).filter_by(name="福建省")).one()
    first, last = date(today.year if today.month > 7 else today.year - 1, 8, 1), date(today.year + (today.month > 7), 7, 31)
    programme = Programme(name=PROGRAMME, year=first.year, region_id=province.id, starts_on=first, ends_on=last)
    programme.introduction = "以校为本、基于课堂、应用驱动、注重创新、精准测评，完成五年一周期的全员培训。"
    session.add(programme)
    session.flush()
    session.add_all(ScaleItem(programme_id=programme.id, name=name, most=most, rank=n) for n, (name, most) in enumerate(SCALE, start=1))
    session.flush()
    return programme


def _beginning(session: Session, programme: Programme, now: datetime) -> None:
    """A school that has one group and still has to hand in its plans and form its team."""
    school = session.scalars(select(School).filter_by(name=MANUALS_SCHOOL)).one()
    taking_part = SchoolProgramme(programme_id=programme.id, school_id=school.id)
    session.add(taking_part)
    session.flush()
    session.add(ResearchGroup(school_programme_id=taking_part.id, name="理化生教研组"))
    session.flush()


class _Middle:
    """The school in the middle of it: a group with topics, activities of every kind, hours, reviews and outcomes."""

    def __init__(self, session: Session, programme: Programme, now: datetime, files: FileStore | None) -> None:
        self.session, self.programme, self.now, self.files = session, programme, now, files
        self.school = session.scalars(select(School).filter_by(name=LARGE_SCHOOL)).one()
        certified = Teacher.certification == CertificationState.PASSED
        staff = session.scalars(select(Teacher).where(Teacher.school_id == self.school.id, certified).order_by(Teacher.id)).all()
        self.staff = {teacher.name: teacher for teacher in staff}
        self.others = [teacher for teacher in staff if teacher.name not in (LEADER, *MEMBERS, *TEAM)]

    def write(self) -> None:
        taking_part = SchoolProgramme(programme_id=self.programme.id, school_id=self.school.id, state=SchoolState.OPEN)
        taking_part.theme, taking_part.opened_at = "信息技术支持的读写教学", self._ago(60)
        taking_part.about = "围绕“技术支持的课堂讲授”和“学习小组组织与管理”，以课例研究为载体，提升课堂应用能力。"
        self.session.add(taking_part)
        self.session.flush()
        self._papers(taking_part, "development_plan", "信息化教育教学发展规划方案.txt", "一、学校基础\n二、三年目标\n三、保障措施\n")
        self._papers(taking_part, "assessment_plan", "校本研修与考核方案.txt", "一、研修安排\n二、考核办法\n三、学时认定\n")
        self._papers(taking_part, "plan_template", "个人提升计划模板.txt", "姓名：\n选择的能力点：\n现状分析：\n提升目标：\n")
        team = [self._account(name) for name in TEAM]
        appoint(
            self.session,
            Appointment(IT_TEAM, "信息化团队成员", self.school.id, self.school.scope_path, self.school.name, "/research/"),
            team,
            now=self._ago(65),
        )
        group = self._group(taking_part, "语文教研组", "语文", LEADER, [*MEMBERS, *TEAM[:1], *(t.name for t in self.others[:6])])
        self._group(taking_part, "数学教研组", "数学", TEAM[1], [teacher.name for teacher in self.others[6:12]])
        self._activities(group)
        self._reviews(taking_part, group)

    def _ago(self, days: int, hours: int = 0) -> datetime:
        return self.now - timedelta(days=days, hours=hours)

    def _account(self, name: str) -> int:
        return int(self.session.scalars(select(Account.id).where(Account.teacher_id == self.staff[name].id)).one())

    def _papers(self, owner: object, slot: str, name: str, text: str) -> None:
        if self.files is not None:
            uploader = Identity(account_id=self._account(LEADER), everything=True)
            kept = keep_file(self.session, uploader, self.files, name, BytesIO(text.encode()), now=self.now)
            claim(self.session, uploader, owner, slot, [kept.id])

    def _group(self, taking_part: SchoolProgramme, name: str, subject: str, leader: str, members: Sequence[str]) -> ResearchGroup:
        group = ResearchGroup(school_programme_id=taking_part.id, name=name, leader_id=self.staff[leader].id)
        group.stage_id = self.session.scalars(select(Stage.id).filter_by(name="高中")).one()
        group.subject_id = self.session.scalars(select(Subject.id).filter_by(name=subject)).one()
        self.session.add(group)
        self.session.flush()
        to = Appointment(GROUP_MEMBER, "成员", self.school.id, group.scope_path, group.name, "/research/mine/")
        appoint(self.session, to, [self._account(member) for member in members], now=self._ago(55))
        return group

    def _activities(self, group: ResearchGroup) -> None:
        plan = GroupPlan(group_id=group.id, title=f"{group.name}本年度研修计划", content="每月一个专题，每周一次集体备课，期末汇报课例。")
        today = day_of(self.now)
        topic = Topic(
            group_id=group.id, title="技术支持的课堂讲授", starts_on=today - timedelta(days=50), ends_on=today + timedelta(days=60)
        )
        topic.about, topic.state = "从导入、讲授到总结，研究技术如何服务于理解。", TopicState.PUBLISHED
        draft = Topic(
            group_id=group.id, title="学习小组的组织与管理", starts_on=today + timedelta(days=20), ends_on=today + timedelta(days=90)
        )
        rubric = Rubric(group_id=group.id, name="课堂教学评价表", criteria=CRITERIA)
        self.session.add_all([plan, topic, draft, rubric])
        self.session.flush()
        talk = self._activity(topic, ActivityKind.DISCUSSION, "情境导入怎样更自然", 40)
        work = self._activity(topic, ActivityKind.HOMEWORK, "一节信息化课例的教学反思", 35)
        watch = self._activity(
            topic, ActivityKind.OBSERVATION, "听评课：《雷雨》第一课时", 30, rubric_id=rubric.id, teaching_teacher_id=self.staff[LEADER].id
        )
        met = self._activity(
            topic, ActivityKind.OFFLINE, "集中备课：整本书阅读单元", 28, hours=Decimal(6), offline_form=OfflineForm.PREPARATION
        )
        self._activity(topic, ActivityKind.DISCUSSION, "如何评价学生的数字作品", 3)
        self._discuss(talk)
        for name in (LEADER, *MEMBERS):
            self._papers(self._finish(work, name, 20), "homework", f"{name}教学反思.txt", "课例的亮点、不足与改进设想。\n")
        for n, name in enumerate(MEMBERS):
            stars = [5, 4, 5, 4 - n, 5]
            average = Decimal(sum(stars)) / len(stars)
            mine = Evaluation(activity_id=watch.id, teacher_id=self.staff[name].id, stars=stars, average=average)
            mine.summary = "目标明确，环节紧凑；建议给学生更多独立思考的时间。"
            self.session.add(mine)
            self._finish(watch, name, 15)
        enter(self.session, SYSTEM, watch, self.staff[TEAM[0]].id, now=self._ago(2))
        self._meet(met)

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
        for n, (name, body) in enumerate(zip((MEMBERS[0], MEMBERS[1], LEADER, TEAM[0]), REMARKS, strict=True)):
            answers = first.id if n == 2 and first is not None else None
            said = Comment(activity_id=activity.id, teacher_id=self.staff[name].id, body=body, parent_id=answers)
            said.created_at = self._ago(38 - n)
            self.session.add(said)
            self.session.flush()
            first = first or said
            self._finish(activity, name, 38 - n)

    def _meet(self, activity: Activity) -> None:
        """Held offline: everybody named is credited with the evidence (S1-32, S1-33)."""
        there = [self.staff[name].id for name in (LEADER, *MEMBERS)]
        for teacher_id in there:
            enter(self.session, SYSTEM, activity, teacher_id, now=self._ago(28))
        self._papers(activity, "evidence", "集中备课记录.txt", "时间、地点、参加人员、备课内容与分工。\n")
        complete_offline(self.session, SYSTEM, activity, ["备课记录"], now=self._ago(27))

    def _reviews(self, taking_part: SchoolProgramme, group: ResearchGroup) -> None:
        points = self.session.scalars(select(AbilityPoint).order_by(AbilityPoint.rank).limit(8)).all()
        states = (SummaryState.PASSED, SummaryState.SUBMITTED, SummaryState.SUBMITTED, SummaryState.FAILED)
        for n, name in enumerate((LEADER, *MEMBERS, TEAM[0])):
            theirs = {"school_programme_id": taking_part.id, "teacher_id": self.staff[name].id}
            plan = ImprovementPlan(**theirs, handed_in_at=self._ago(45 - n))
            summary = AbilitySummary(**theirs, ability_point_id=points[n + 4].id, handed_in_at=self._ago(10 - n), state=states[n])
            summary.reviewer_id = self.staff[TEAM[1]].id
            summary.reviewed_at = None if states[n] is SummaryState.SUBMITTED else self._ago(4)
            self.session.add_all([plan, summary])
            self.session.flush()
            self._papers(plan, "plan", f"{name}个人提升计划.txt", "选择三个能力点，每月应用一次，期末总结。\n")
            self._papers(summary, "summary", f"{name}{points[n + 4].name}总结.txt", "应用场景、做法、效果与反思。\n")
        case = Outcome(group_id=group.id, kind=OutcomeKind.TEACHING_CASE, title="《雷雨》整本书阅读课例", state=OutcomeState.SAVED)
        made = Outcome(group_id=group.id, title="情境导入微视频资源包", state=OutcomeState.SAVED)
        made.about = "全组老师制作的十二个导入微视频及使用说明。"
        self.session.add_all([case, made])
        self.session.flush()
        self._papers(made, "others", "情境导入微视频使用说明.txt", "适用课题、播放时机与课堂提问建议。\n")
        made.state, made.submitted_at = OutcomeState.SUBMITTED, self._ago(3)
        made.submitted_by_teacher_id, made.submitted_by_id = self.staff[LEADER].id, self._account(LEADER)
        self.session.flush()
