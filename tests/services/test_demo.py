"""The demonstration: the manuals' figures from leaf records, people who can log in, and volume that tops up (S3-45…57, S3-115, S3-131)."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app import create_app
from config import Settings
from models.access import Account, Post
from models.activities import Activity, ActivityKind, Comment, Evaluation, Participation, ParticipationState, Rubric, Topic, TopicState
from models.base import utcnow
from models.files import FileKind
from models.history import Decision
from models.hours import HourEntry, Programme
from models.org import AreaType, Region, RegionKind, School, SchoolKind, Stage
from models.outcomes import AbilitySummary, ImprovementPlan, Outcome, OutcomeState, SummaryState
from models.people import Certification, CertificationOutcome, CertificationState, IdType, Subject, Teacher, Title
from models.research import GroupPlan, RemovalRequest, RemovalState, ResearchGroup, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import ROOT, SYSTEM, acting_as
from models.service import RequestKind, ServiceRequest
from models.session import make_engine, make_session_factory
from rules.account_names import check_phone, is_account_name
from rules.accounts import authenticate
from rules.activation import activation_rows
from rules.demo import DEMO_ACCOUNTS, load_demo
from rules.demo.persons import id_number
from rules.demo.scale import FIRST_PERSON
from rules.demo.stories import CITY, COUNTY
from rules.demo.teachers import MANUALS_SCHOOL, STAFFS
from rules.figures import rate
from rules.file_types import check_content
from rules.files import files_of
from rules.files_store import FileStore
from rules.grants import (
    COURSE_PROVIDER,
    GROUP_LEADER,
    GROUP_MEMBER,
    IT_TEAM,
    OPERATOR,
    REGION_SPECIAL,
    REGION_SUPER,
    ROLES,
    SCHOOL_ADMIN,
    TEACHER,
    TRAINING_EXPERT,
)
from rules.hour_statement import statement_of
from rules.id_numbers import OTHER_IDS, RESIDENT, check_id_number
from rules.issuing import create_operator
from rules.masks import mask_account, mask_id_number
from rules.opening import readiness_of
from rules.passwords import check_password
from rules.reference_data import REFERENCE_ROWS, ensure_reference_data
from rules.service_desk import call_back, change_asked_phone
from tests.services.published import ACTIVATION_AS_PUBLISHED

# Topics are asked of the clock itself whether they are in progress.
NOW = utcnow()
TABLES = (Region, School, Teacher, Certification, Account, Post)

# 区域: (参训人数, 参训率), as published; what is behind the rate is the region's own count.
ENROLMENT_AS_PUBLISHED = {
    "福建省": (146999, "33.03%"),
    "福州市": (20859, "26.81%"),
    "泉州市": (20025, "21.58%"),
    "宁德市": (19197, "33.72%"),
    "漳州市": (17110, "29.94%"),
    "三明市": (13041, "42.41%"),
    "龙岩市": (11646, "32.75%"),
    "厦门市": (8687, "18.19%"),
    "南平市": (7003, "22.99%"),
    "平潭综合实验区": (3117, "65.52%"),
    "莆田市": (24605, "66.44%"),
    "仙游县": (7821, "70.33%"),
    "秀屿区": (4267, "62.22%"),
    "城厢区": (3674, "58.68%"),
    "涵江区": (3078, "60.22%"),
    "荔城区": (2836, "37.35%"),
    "湄洲岛": (1075, "0.00%"),
    "北岸经济开发区": (786, "0.00%"),
}


class Demo:
    """A database with the demonstration in it."""

    def __init__(self, url):
        self.factory = make_session_factory(make_engine(url))
        with acting_as(SYSTEM), self.factory() as session:
            session.add_all(Role(name=role.name) for role in ROLES)
            session.commit()
            ensure_reference_data(session)

    def load(self, teachers=0, files=None, now=NOW):
        told = []
        load_demo(self.factory, teachers=teachers, now=now, progress=told.append, files=files)
        return told

    def all(self, query):
        with acting_as(SYSTEM), self.factory() as session:
            return list(session.scalars(query))

    def counts(self):
        return {model.__tablename__: self.all(select(func.count()).select_from(model))[0] for model in TABLES}


@pytest.fixture(scope="module")
def demo(sqlite_files, tmp_path_factory):
    """Loaded once, with a store for its files, and only read; on both databases it is loaded where many teachers fill it."""
    url = sqlite_files.fresh(filled=False)
    loaded = Demo(url)
    loaded.load(files=FileStore(f"file://{tmp_path_factory.mktemp('store')}"))
    yield loaded
    loaded.factory.kw["bind"].dispose()
    sqlite_files.drop(url)


# --- the manuals' figures ---------------------------------------------------------------------------------------------


def test_inner_mongolias_activation_prints_every_published_row_digit_for_digit(demo):
    with acting_as(SYSTEM), demo.factory() as session:
        province = session.scalars(select(Region.id).where(Region.code == "150000")).one()
        printed = [",".join(row.texts()) for row in activation_rows(session, SYSTEM, province)]
    published = ACTIVATION_AS_PUBLISHED.strip().splitlines()
    assert printed[0] == published[0]
    assert [row for row in published if row not in printed] == []
    assert len(printed) == 14


def test_inner_mongolia_is_counted_from_6557_school_records(demo):
    inside = select(School).where(School.scope_path.startswith("/150000/"))
    assert len(demo.all(inside.where(School.kind != SchoolKind.OTHER))) == 6557
    assert len(demo.all(select(Region).where(Region.scope_path.startswith("/150000/")))) == 120


def test_the_regions_counts_give_the_published_rates_of_enrolment(demo):
    reported = {region.name: region.teacher_count for region in demo.all(select(Region))}
    assert {name: rate(enrolled, reported[name], 2) for name, (enrolled, _) in ENROLMENT_AS_PUBLISHED.items()} == {
        name: printed for name, (_, printed) in ENROLMENT_AS_PUBLISHED.items()
    }


def test_what_is_no_administrative_division_is_a_special_area_without_a_count(demo):
    special = {r.name: r.teacher_count for r in demo.all(select(Region).where(Region.kind == RegionKind.SPECIAL))}
    assert special["湄洲岛"] is special["北岸经济开发区"] is None
    assert [r.name for r in demo.all(select(Region).where(Region.teacher_count.is_(None))) if r.name not in special] == []


def test_the_school_of_the_manual_shows_its_facets_and_its_waiting_teacher(demo):
    teachers = demo.all(select(Teacher).join(School, Teacher.school_id == School.id).where(School.name == "央馆六县第一中学"))
    assert Counter(t.certification for t in teachers) == {
        CertificationState.PASSED: 2,
        CertificationState.PENDING: 1,
        CertificationState.FAILED: 2,
    }
    [waiting] = [t for t in teachers if t.certification is CertificationState.PENDING]
    assert mask_account(waiting.account_name) == "198****2552"
    assert mask_id_number(waiting.id_number) == "35*****0375"
    assert waiting.subject_id is None


# --- every row is right -----------------------------------------------------------------------------------------------


def test_every_unit_and_what_hangs_on_it_carries_its_path(demo):
    region = {r.id: r.scope_path for r in demo.all(select(Region))}
    school = {s.id: s.scope_path for s in demo.all(select(School))}
    teacher = {t.id: t.scope_path for t in demo.all(select(Teacher))}
    assert all(r.scope_path == f"{region.get(r.parent_id, ROOT)}{r.code}/" for r in demo.all(select(Region)))
    assert all(s.scope_path == f"{region[s.region_id]}s{s.id}/" for s in demo.all(select(School)))
    assert all(t.scope_path == f"{school[t.school_id]}t{t.id}/" for t in demo.all(select(Teacher)))
    assert all(c.scope_path == teacher[c.teacher_id] for c in demo.all(select(Certification)))
    for post in demo.all(select(Post)):
        unit = school[post.school_id] if post.school_id else region.get(post.region_id, ROOT)
        is_inside = post.role in (TEACHER, GROUP_LEADER, GROUP_MEMBER)
        assert post.scope_path.startswith(unit) if is_inside else post.scope_path == unit
    assert all(a.scope_path == teacher[a.teacher_id] for a in demo.all(select(Account)) if a.teacher_id)


def test_every_region_has_one_placeholder_school(demo):
    others = Counter(s.region_id for s in demo.all(select(School).where(School.kind == SchoolKind.OTHER)))
    assert others == Counter(r.id for r in demo.all(select(Region)))


def test_numbers_and_phones_are_valid_and_nobody_shares_one(demo):
    teachers = demo.all(select(Teacher))
    assert len(teachers) == 300
    assert all(check_id_number(RESIDENT, t.id_number, NOW.date()) == t.id_number for t in teachers)
    phones = [t.phone for t in teachers if t.phone] + [a.phone for a in demo.all(select(Account)) if a.phone and not a.teacher_id]
    assert all(check_phone(phone) == phone for phone in phones)
    assert len(set(phones)) == len(phones)


def test_nobody_with_a_name_has_a_number_that_is_given_out_to_many_teachers():
    """The largest county has fewer than 100 000 teachers of a million."""
    named = {line.split()[1] for staff in STAFFS.values() for line in staff.listed.strip().splitlines()}
    given = {id_number(area, FIRST_PERSON + n) for area in {number[:6] for number in named} for n in range(100_000)}
    assert not named & given


def test_every_state_of_certification_has_the_applications_behind_it(demo):
    last = {c.teacher_id: c for c in sorted(demo.all(select(Certification)), key=lambda c: c.applied_at)}
    teachers = demo.all(select(Teacher))
    assert {t.certification for t in teachers} == set(CertificationState)
    for teacher in teachers:
        application = last.get(teacher.id)
        if teacher.certification is CertificationState.NONE:
            assert application is None and teacher.applied_at is None
        else:
            assert application.outcome.value == teacher.certification.value and application.applied_at == teacher.applied_at
    decided = [c for c in demo.all(select(Certification)) if c.outcome is not CertificationOutcome.PENDING]
    assert all(c.applied_at < c.decided_at for c in decided)
    assert all(c.comment for c in decided if c.outcome is CertificationOutcome.FAILED)


def test_there_are_schools_left_to_bring_in(demo):
    county = select(School).join(Region, School.region_id == Region.id).where(Region.name == "宁化县", School.kind != SchoolKind.OTHER)
    administered = set(demo.all(select(Post.school_id).where(Post.role == SCHOOL_ADMIN)))
    waiting = [school for school in demo.all(county) if school.id not in administered]
    assert waiting and {school.area_type for school in waiting} == {None}
    kinds = {school.kind for school in demo.all(select(School).where(School.scope_path.startswith("/350000/")))}
    assert kinds == set(SchoolKind)
    assert {school.area_type for school in demo.all(select(School))} == {None, *AreaType}


# --- people who log in ------------------------------------------------------------------------------------------------


def test_the_table_of_accounts_has_every_role_and_names_of_the_right_form():
    assert {account.role for account in DEMO_ACCOUNTS} == {
        OPERATOR,
        REGION_SUPER,
        REGION_SPECIAL,
        SCHOOL_ADMIN,
        COURSE_PROVIDER,
        TRAINING_EXPERT,
        TEACHER,
        "",
    }
    kinds = {
        REGION_SUPER: "region",
        REGION_SPECIAL: "region",
        SCHOOL_ADMIN: "school",
        COURSE_PROVIDER: "provider",
        TRAINING_EXPERT: "expert",
        TEACHER: "teacher",
    }
    assert all(is_account_name(kinds[a.role], a.username) for a in DEMO_ACCOUNTS if a.role in kinds)
    for account in DEMO_ACCOUNTS:
        check_password(account.password, account_name=account.username, old_default=None)


def test_everybody_in_the_table_logs_in_and_holds_their_posts(demo):
    wanted = Counter((a.username, a.role, a.unit) for a in DEMO_ACCOUNTS if a.role)
    held = Counter()
    for username in {account.username for account in DEMO_ACCOUNTS}:
        row = next(a for a in DEMO_ACCOUNTS if a.username == username)
        with demo.factory() as session:
            account = authenticate(session, username, row.password, now=NOW)
        assert account is not None and account.first_name == row.name and not account.must_change_password
        of_the_table = (Post.account_id == account.id, Post.role.not_in((GROUP_LEADER, GROUP_MEMBER, IT_TEAM)))
        for post in demo.all(select(Post).where(*of_the_table)):
            held[username, post.role, "" if post.role == OPERATOR else post.unit_name] += 1
    assert held == wanted


def test_the_readme_lists_everybody_in_the_table_with_the_password_that_opens(demo):
    section = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split("## 演示账号")[1].split("\n## ")[0]
    [password] = re.findall(r"密码都是 `([^`]+)`", section)
    listed = re.findall(r"\| `([^`]+)` \|$", section, re.M)
    assert sorted(listed) == sorted({account.username for account in DEMO_ACCOUNTS}) and len(set(listed)) == len(listed)
    with demo.factory() as session:
        assert [name for name in listed if authenticate(session, name, password, now=NOW) is None] == []


def test_teachers_have_accounts_on_the_default_password_and_nobody_else_a_guessable_one(demo):
    with demo.factory() as session:
        teacher = demo.all(select(Account).where(Account.teacher_id.is_not(None), Account.password.is_(None)))[0]
        assert authenticate(session, teacher.username, f"{teacher.username[-6:]}@Gd", now=NOW).must_change_password
        for username in ("SchoolAdmin101", "SchoolAdmin1001"):
            assert authenticate(session, username, f"{username[-6:]}@Gd", now=NOW) is None
    assert len(demo.all(select(Account.id).where(Account.teacher_id.is_not(None)))) == 300


# --- school research --------------------------------------------------------------------------------------------------

MID_WAY = (CITY, COUNTY)
SHOWN = (
    *(ResearchGroup, GroupPlan, Rubric, Topic, Activity, Participation, Comment, Evaluation),
    *(HourEntry, ImprovementPlan, AbilitySummary, Outcome, ScaleScore),
)
"""What has a page of its own in a school's research."""


def programme_of(session, school):
    return session.scalars(select(SchoolProgramme).join(School).where(School.name == school)).one()


@pytest.mark.parametrize("story", MID_WAY, ids=lambda story: story.school)
def test_two_schools_are_in_the_middle_of_a_programme_and_every_page_of_theirs_has_something_to_show(demo, story):
    with acting_as(SYSTEM), demo.factory() as session:
        school = programme_of(session, story.school)
        ready = readiness_of(session, school)
        assert school.state is SchoolState.OPEN and school.theme and ready.is_open
        assert ready.groups == 2 and ready.groups_without_leader == 0 and ready.summaries_waiting and ready.summaries_decided
        empty = [
            model.__tablename__
            for model in SHOWN
            if not session.scalar(select(func.count()).select_from(model).where(model.scope_path.startswith(school.scope_path)))
        ]
        assert empty == []
        activities = session.scalars(select(Activity).where(Activity.scope_path.startswith(school.scope_path))).all()
        assert {activity.kind for activity in activities} == set(ActivityKind)
        topics = session.scalars(select(Topic.state).where(Topic.scope_path.startswith(school.scope_path))).all()
        assert TopicState.PUBLISHED in topics and len(topics) == 2
        states = session.scalars(select(AbilitySummary.state).where(AbilitySummary.school_programme_id == school.id)).all()
        assert {SummaryState.PASSED, SummaryState.SUBMITTED} <= set(states)


def test_a_third_school_is_just_beginning(demo):
    with acting_as(SYSTEM), demo.factory() as session:
        school = programme_of(session, MANUALS_SCHOOL)
        ready = readiness_of(session, school)
        assert school.state is SchoolState.PREPARING and ready.groups == 1 and not ready.plans and not ready.team
        assert session.scalar(select(func.count()).select_from(SchoolProgramme)) == len(MID_WAY) + 1


def test_hours_are_over_the_cap_at_the_target_and_below_it(demo):
    """The sentence that says what of an activity does not count is there to be read (S1-46…48)."""
    told = {}
    for teacher in demo.all(select(Teacher).where(Teacher.id.in_(select(HourEntry.teacher_id)))):
        with demo.factory() as session:
            [told[teacher.name]] = statement_of(session, SYSTEM, teacher.id, now=NOW)
    over, reached, below = (told[name].tally for name in ("邱月华", "罗国栋", "曾小龙"))
    assert (over.raw, over.counted, reached.raw, below.raw) == (30, 25, 25, 22)
    assert over.is_reached and reached.is_reached and not below.is_reached
    assert [line.why for line in over.lines if line.why] == ["超出 25 学时上限，5 学时不计入。"]
    assert not any(line.why for line in (*reached.lines, *below.lines))


def test_a_removal_waits_and_says_what_would_be_lost(demo):
    with acting_as(SYSTEM), demo.factory() as session:
        request = session.scalars(select(RemovalRequest)).one()
        asked = session.get_one(Account, request.asked_by_id)
        teacher = session.get_one(Teacher, request.teacher_id)
        assert (request.state, teacher.name, asked.username) == (RemovalState.PENDING, COUNTY.leaving[0], "SchoolAdmin3")
        assert request.lost_hours == 2


def test_what_was_decided_has_its_decision_behind_it(demo):
    """Nothing stands as reviewed that nobody reviewed."""
    decisions = {(d.table_name, d.row_id, d.target) for d in demo.all(select(Decision))}
    summaries = [row for row in demo.all(select(AbilitySummary)) if row.state is not SummaryState.SUBMITTED]
    outcomes = [row for row in demo.all(select(Outcome)) if row.state is not OutcomeState.SAVED]
    assert {row.state for row in outcomes} == {OutcomeState.SUBMITTED, OutcomeState.REVIEWED}
    assert {row.state for row in summaries} == {SummaryState.PASSED, SummaryState.FAILED}
    assert all((row.__tablename__, row.id, row.state.value) in decisions for row in (*summaries, *outcomes))
    assert all(row.reviewed_at for row in summaries)


@pytest.mark.parametrize("day", [(2026, 8, 2), (2027, 7, 31)])
def test_it_can_be_loaded_on_any_day_of_the_year(sqlite_files, monkeypatch, day):
    """The programme has begun before all that is told of it, and goes on."""
    url, now = sqlite_files.fresh(filled=False), datetime(*day, 2, 0, tzinfo=UTC)
    monkeypatch.setattr("rules.activities.utcnow", lambda: now)
    loaded = Demo(url)
    loaded.load(now=now)
    [programme] = loaded.all(select(Programme))
    began = min(activity.starts_at.date() for activity in loaded.all(select(Activity)))
    until = max(topic.ends_on for topic in loaded.all(select(Topic)))
    loaded.factory.kw["bind"].dispose()
    sqlite_files.drop(url)
    assert programme.starts_on <= began and until <= programme.ends_on


# --- again, and in volume ---------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(demo):
    before = demo.counts()
    [told] = demo.load()
    assert "未作改动" in told
    assert demo.counts() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_operator_made_before_keeps_the_name_and_the_password(database_url):
    demo = Demo(database_url)
    with demo.factory() as session:
        create_operator(session, "admin", "My0wnSecret", now=NOW)
    demo.load()
    with demo.factory() as session:
        assert authenticate(session, "admin", "My0wnSecret", now=NOW) is not None
    assert demo.all(select(func.count()).select_from(Account).where(Account.username == "admin")) == [1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_a_store_there_is_evidence_to_look_at_and_a_phone_to_change(database_url, tmp_path):
    demo, store = Demo(database_url), FileStore(f"file://{tmp_path}")
    load_demo(demo.factory, now=NOW, progress=lambda _line: None, files=store)
    with acting_as(SYSTEM), demo.factory() as session:
        asked = session.scalars(select(ServiceRequest).where(ServiceRequest.kind == RequestKind.PHONE)).one()
        waiting = session.scalars(select(Certification).join(Teacher).where(Teacher.id_number == asked.id_number)).one()
        for row in (asked, waiting):
            [file] = files_of(session, [row])[row.id]
            with store.open(file.blob.key) as content:
                assert check_content(file.name, content).kind is FileKind.IMAGE
        handed_in = session.scalars(select(Outcome).where(Outcome.state != OutcomeState.SAVED)).all()
        done = select(Participation).join(Activity, Activity.id == Participation.activity_id).where(Activity.kind == ActivityKind.HOMEWORK)
        homework = session.scalars(done.where(Participation.state == ParticipationState.COMPLETED)).all()
        assert handed_in and homework
        for row in (*handed_in, *homework):
            assert files_of(session, [row]).get(row.id), f"{row.__tablename__} {row.id} was handed in without a file"
        call_back(session, SYSTEM, asked, "已电话核实。", NOW)
        assert change_asked_phone(session, SYSTEM, asked, "", NOW) == "139****0009"


def test_many_teachers_fill_the_counties_of_fujian_and_a_larger_number_tops_them_up(database_url):
    demo = Demo(database_url)
    demo.load()
    for asked, there in ((2000, 2000), (2000, 2000), (3000, 3000), (1000, 3000)):
        demo.load(teachers=asked)
        assert demo.counts()["teacher"] == 300 + there

    teachers = demo.all(select(Teacher))
    assert len({t.id_number for t in teachers}) == len(teachers)
    phones = [t.phone for t in teachers if t.phone]
    assert len(set(phones)) == len(phones)
    assert all(check_id_number(RESIDENT, t.id_number, NOW.date()) for t in teachers)
    school = {s.id: s for s in demo.all(select(School))}
    assert all(t.scope_path == f"{school[t.school_id].scope_path}t{t.id}/" for t in teachers)
    per_region = Counter(school[t.school_id].region_id for t in teachers)
    assert max(per_region.values()) > 3 * sorted(per_region.values())[len(per_region) // 2]

    _add_by_hand(demo)


def _add_by_hand(demo):
    """Rows added afterwards get ids of their own."""
    with acting_as(SYSTEM), demo.factory() as session:
        region = session.scalars(select(Region).where(Region.name == "宁化县")).one()
        session.add(School(code="3504249998", name="新校", region_id=region.id))
        session.commit()
        school = session.scalars(select(School.id).where(School.name == "新校")).one()
        kind = session.scalars(select(IdType.id).where(IdType.code == RESIDENT)).one()
        session.add(Teacher(name="新人", id_type_id=kind, id_number="350424199003120459", school_id=school))
        session.commit()
        assert session.scalars(select(Account).where(Account.username == "350424199003120459")).one().teacher_id


# --- reference data ---------------------------------------------------------------------------------------------------


def test_reference_data_is_the_manuals_and_survives_four_starts_at_once(database_url):
    factory = make_session_factory(make_engine(database_url))
    start = threading.Barrier(4)

    def begin():
        with factory() as session:
            start.wait()
            ensure_reference_data(session)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with acting_as(SYSTEM), factory() as session:
        names = {model: list(session.scalars(select(model.name).order_by(model.rank))) for model in REFERENCE_ROWS}
    assert names[Title] == ["正高级教师", "高级教师", "一级教师", "二级教师", "三级教师", "未定级"]
    assert names[Stage] == ["幼儿园", "小学", "初中", "高中", "特教", "通用学段"]
    assert {"学前教育", "物理", "语文", "心理健康教育", "体育与健康", "英语", "历史", "化学"} <= set(names[Subject])
    assert len(names[IdType]) == 1 + len(OTHER_IDS)
    assert {name: len(set(given)) for name, given in names.items()} == {model: len(rows) for model, rows in REFERENCE_ROWS.items()}


def test_reference_data_never_writes_over_what_an_installation_changed(database_url):
    factory = make_session_factory(make_engine(database_url))
    with acting_as(SYSTEM), factory() as session:
        ensure_reference_data(session)
        title = session.scalars(select(Title).where(Title.code == "third")).one()
        title.name, title.is_active = "员级", False
        session.commit()
        ensure_reference_data(session)
        session.expire_all()
        assert (title.name, title.is_active) == ("员级", False)


def test_in_production_it_is_loaded_only_on_purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its passwords are in the README."""
    asked: list[int] = []
    monkeypatch.setattr("views.commands.load_demo", lambda factory, **options: asked.append(options["teachers"]))
    settings = Settings(database_url=f"sqlite:///{tmp_path}/demo.db", data_dir=tmp_path, secret_key="p" * 40, app_env="production")
    app = create_app(settings)
    with app.app_context():
        refused = app.test_cli_runner().invoke(args=["demo"])
        assert refused.exit_code == 1 and "--yes-in-production" in refused.output and not asked
        meant = app.test_cli_runner().invoke(args=["demo", "--teachers", "7", "--yes-in-production"])
    assert meant.exit_code == 0 and asked == [7]
