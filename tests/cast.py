"""The people every test knows, in the small world they live in.

梅 teaches at 北 (North), 平 administers North, 锐 administers South in the same county and must never see North, 丹 is the county,
福 the province, 岚 the county next door, 远 another city, 林 has an account and no post, 双 has two, 运 runs the platform.

    福建省 ─┬─ 厦门市 ─┬─ 思明区 ─┬─ 北 (North): 梅 passed, 兰 waiting, 竹 not applied
            │          │          └─ 南 (South): 菊 waiting, 松 failed
            │          └─ 湖里区 ─── 湖 (Lake): 荷 waiting, 双 passed (and administers it)
            └─ 莆田市 ─── 城厢区 ─── 城 (Far): 榕 waiting

The one thing a newcomer gets wrong: the rows are written past the platform's hooks, so that no rule under test has a hand in them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from models.access import Account, AccountState, PermissionCode, PersonKind, Post, SavedView, person_of
from models.base import Record
from models.history import Change, Decision
from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.jobs import Job, JobKind, JobState
from models.org import AreaType, Region, RegionLevel, School, Stage
from models.people import Certification, CertificationOutcome, CertificationState, IdType, Subject, Teacher, Title
from models.questions import Question
from models.scoping import ROOT, Identity
from models.service import RequestKind, ServiceRequest
from models.session import make_session_factory
from rules.grants import BY_NAME, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TEACHER, is_admin_role, role_label
from rules.reference_data import ensure_reference_data
from tests.research_cast import add_research
from views.panel.permissions import sync_permissions

PASSWORD = "Mingtian2026"
TODAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning in Shanghai."""

# code: (name, level, code of the region above, full-time teachers reported)
REGIONS: dict[str, tuple[str, RegionLevel, str | None, int | None]] = {
    "350000": ("福建省", RegionLevel.PROVINCE, None, None),
    "350200": ("厦门市", RegionLevel.CITY, "350000", 9000),
    "350203": ("思明区", RegionLevel.COUNTY, "350200", 5000),
    "350206": ("湖里区", RegionLevel.COUNTY, "350200", 4000),
    "350300": ("莆田市", RegionLevel.CITY, "350000", 3000),
    "350302": ("城厢区", RegionLevel.COUNTY, "350300", None),
}
# key: (code, name, code of the region, area)
SCHOOLS: dict[str, tuple[str, str, str, AreaType]] = {
    "北": ("3135000001", "北实验小学", "350203", AreaType.URBAN),
    "南": ("3135000002", "南实验小学", "350203", AreaType.TOWN),
    "湖": ("3135000003", "湖实验小学", "350206", AreaType.URBAN),
    "城": ("3135000004", "城实验小学", "350302", AreaType.RURAL),
}
# name: (school, ID number, phone, certification)
TEACHERS: dict[str, tuple[str, str, str, CertificationState]] = {
    "梅": ("北", "350203198503120028", "13850000001", CertificationState.PASSED),
    "兰": ("北", "35020319900501004X", "13850000002", CertificationState.PENDING),
    "竹": ("北", "350203198811230069", "13850000003", CertificationState.NONE),
    "菊": ("南", "350203197908150036", "13850000004", CertificationState.PENDING),
    "松": ("南", "35020319830207001X", "13850000005", CertificationState.FAILED),
    "荷": ("湖", "350206198706060028", "13850000006", CertificationState.PENDING),
    "双": ("湖", "35020319801005005X", "13850000007", CertificationState.PASSED),
    "榕": ("城", "350302199109100049", "13850000008", CertificationState.PENDING),
}
# name: (account name, role, unit: a region's code, a school's key or nothing)
ADMINISTRATORS: dict[str, tuple[str, str, str]] = {
    "运": ("operator", OPERATOR, ""),
    "福": ("OrganAdmin1", REGION_SUPER, "350000"),
    "丹": ("OrganAdmin2", REGION_SPECIAL, "350203"),
    "岚": ("OrganAdmin3", REGION_SPECIAL, "350206"),
    "远": ("OrganAdmin4", REGION_SUPER, "350300"),
    "平": ("SchoolAdmin1", SCHOOL_ADMIN, "北"),
    "锐": ("SchoolAdmin2", SCHOOL_ADMIN, "南"),
    "林": ("13850000099", "", ""),
}
OUTCOMES = {
    CertificationState.PENDING: CertificationOutcome.PENDING,
    CertificationState.PASSED: CertificationOutcome.PASSED,
    CertificationState.FAILED: CertificationOutcome.FAILED,
}


@dataclass(frozen=True)
class Cast:
    """Where to find them: ids and paths by name, and who they are to the rules."""

    engine: Engine
    region: dict[str, int]
    """By name and by code."""
    school: dict[str, int]
    """By the key above (``北``)."""
    teacher: dict[str, int]
    account: dict[str, int]
    path: dict[str, str]
    """Of regions (name), schools (key) and teachers (name)."""
    username: dict[str, str]
    password: str = PASSWORD
    today: datetime = TODAY

    def identity(self, name: str, role: str | None = None) -> Identity:
        """Who ``name`` is at work: as ``role``, or at the first workbench they have, like at a login."""
        with Session(self.engine, expire_on_commit=False) as session:
            account = session.scalars(select(Account).filter_by(id=self.account[name])).one()
            posts = session.scalars(select(Post).filter_by(account_id=account.id, until=None).order_by(Post.id)).all()
        admin = [post for post in posts if is_admin_role(post.role)]
        active = [post for post in posts if post.role == role] if role else admin[:1] or list(posts)
        return Identity(
            account_id=account.id,
            post_id=active[0].id if active else None,
            label=f"{role_label(active[0].role)} · {active[0].unit_name}" if active else "",
            grants=frozenset(grant for post in active for grant in grants_of(post)),
            person=person_of(account),
        )


def grants_of(post: Post) -> list[tuple[str, str, str]]:
    """What the shipped role of a post grants at its unit."""
    return [(act, table, post.scope_path) for table, acts in BY_NAME[post.role].grants.items() for act in acts.split()]


def meet(engine: Engine) -> Cast:
    """The cast of a database that :func:`assemble` filled."""
    with Session(engine) as session:
        regions, schools, teachers = (session.scalars(select(model)).all() for model in (Region, School, Teacher))
        accounts = session.scalars(select(Account)).all()
        key = {code: key for key, (code, *_) in SCHOOLS.items()}
        paths = (
            [(r.name, r.scope_path) for r in regions]
            + [(key[s.code], s.scope_path) for s in schools]
            + [(t.name, t.scope_path) for t in teachers]
        )
        return Cast(
            engine=engine,
            region={r.name: r.id for r in regions} | {r.code: r.id for r in regions},
            school={key[s.code]: s.id for s in schools},
            teacher={t.name: t.id for t in teachers},
            account={a.first_name: a.id for a in accounts},
            path=dict(paths),
            username={a.first_name: a.username for a in accounts},
        )


def assemble(engine: Engine) -> None:
    """Fill an empty database with the reference data and the cast."""
    ensure_reference_data(make_session_factory(engine)())
    with Session(engine) as session:
        sync_permissions(session, ())
        World(session).build()
        session.commit()


class World:
    """Writes the rows, units first; ``units`` maps a region's code or a school's key to its row."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.units: dict[str, Any] = {}
        self.accounts: dict[str, Account] = {}
        self.hash = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1000")

    def build(self) -> None:
        for code, (name, level, above, teachers) in REGIONS.items():
            parent = self.units.get(above or "")
            row = Region(code=code, name=name, level=level, parent_id=parent.id if parent else None, teacher_count=teachers)
            self.units[code] = self._unit(row, parent, code)
        for key, (code, name, region, area) in SCHOOLS.items():
            row = School(code=code, name=name, region_id=self.units[region].id, area_type=area, stages=[self._reference(Stage, "primary")])
            self.units[key] = self._unit(row, self.units[region], "s{id}")
        for name in TEACHERS:
            self._teacher(name)
        for name, (username, role, unit) in ADMINISTRATORS.items():
            self.accounts[name] = self._account(name, username, self._path(unit))
            if role:
                self._post(name, role, unit)
        self._post("双", SCHOOL_ADMIN, "湖")
        self._traces()
        add_research(self, TODAY)

    def _unit(self, row: Any, above: Any, segment: str) -> Any:
        row.scope_path = above.scope_path if above is not None else ROOT
        self._add(row)
        row.scope_path += segment.format(id=row.id) + "/"
        self.session.flush()
        return row

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def _path(self, unit: str) -> str:
        return str(self.units[unit].scope_path) if unit else ROOT

    def _reference(self, model: type[Record], code: str) -> Any:
        return self.session.scalars(select(model).filter_by(code=code)).one()

    def _teacher(self, name: str) -> None:
        key, id_number, phone, certification = TEACHERS[name]
        school = self.units[key]
        teacher = Teacher(
            account_name=id_number,
            name=name,
            id_type_id=self._reference(IdType, "resident").id,
            id_number=id_number,
            phone=phone,
            school_id=school.id,
            title_id=self._reference(Title, "first").id,
            stage_id=self._reference(Stage, "primary").id,
            subject_id=self._reference(Subject, "chinese").id,
            certification=certification,
            applied_at=TODAY - timedelta(days=3) if certification in OUTCOMES else None,
        )
        self._unit(teacher, school, "t{id}")
        self.accounts[name] = self._account(name, id_number, teacher.scope_path, teacher)
        self._add(
            Post(
                account_id=self.accounts[name].id,
                role=TEACHER,
                school_id=school.id,
                unit_name=school.name,
                since=TODAY,
                scope_path=teacher.scope_path,
            )
        )
        if certification in OUTCOMES:
            outcome = OUTCOMES[certification]
            decided = None if outcome is CertificationOutcome.PENDING else TODAY - timedelta(days=1)
            row = Certification(
                teacher_id=teacher.id, school_id=school.id, applied_at=TODAY - timedelta(days=3), outcome=outcome, decided_at=decided
            )
            row.scope_path = teacher.scope_path
            self._add(row)

    def _account(self, name: str, username: str, path: str, teacher: Teacher | None = None) -> Account:
        account = Account(
            first_name=name,
            last_name="",
            username=username,
            email=f"{username}@accounts.invalid",
            password=self.hash,
            active=True,
            state=AccountState.ACTIVE,
            identities=[PersonKind.TEACHER.value] if teacher or name == "林" else [],
            identity=PersonKind.TEACHER if teacher or name == "林" else None,
            phone=teacher.phone if teacher else username if username.isdigit() else None,
            id_number=teacher.id_number if teacher else None,
            teacher_id=teacher.id if teacher else None,
            password_stamp="first",
            scope_path=path,
        )
        self._add(account)
        return account

    def _post(self, name: str, role: str, unit: str) -> None:
        row = self.units.get(unit)
        post = Post(
            account_id=self.accounts[name].id,
            role=role,
            region_id=row.id if isinstance(row, Region) else None,
            school_id=row.id if isinstance(row, School) else None,
            unit_name=row.name if row is not None else "平台",
            since=TODAY,
            scope_path=self._path(unit),
            contact_name=name,
            contact_phone=f"1396000000{len(self.accounts) % 10}",
        )
        self._add(post)

    def _traces(self) -> None:
        """What they have left behind so far: codes, jobs, saved views and a line of history."""
        for key, issuer in (("南", "丹"), ("湖", "岚"), ("城", "远")):
            school = self.units[key]
            digest = hashlib.sha256(key.encode()).hexdigest()
            code = PermissionCode(prefix=digest[:4].upper(), digest=digest, role=SCHOOL_ADMIN, school_id=school.id, unit_name=school.name)
            code.expires_at, code.issued_by_id, code.scope_path = TODAY + timedelta(days=7), self.accounts[issuer].id, school.scope_path
            self._add(code)
        for name in ("平", "锐", "岚", "远"):
            account = self.accounts[name].id
            self._add(Job(title="教师导出", kind=JobKind.EXPORT, state=JobState.DONE, done=3, total=3, account_id=account))
            self._add(SavedView(table_name="teacher", name="待审核", query="certification=pending", account_id=account))
        north = self.units["北"]
        asked = ServiceRequest(kind=RequestKind.PASSWORD, name="平", unit_name=north.name, phone="13960000072", school_id=north.id)
        asked.description, asked.digest, asked.scope_path = "北的管理员忘记了密码", hashlib.sha256(b"service").hexdigest(), north.scope_path
        self._add(asked)
        orchid = self.accounts["兰"].id
        self._add(Question(title="兰问认证要多久", asker="兰", unit_name=north.name, account_id=orchid, scope_path=north.scope_path))
        self._hours()
        waiting = self.session.scalars(select(Certification).filter_by(outcome=CertificationOutcome.PASSED)).first()
        assert waiting is not None
        act = {
            "table_name": "certification",
            "row_id": waiting.id,
            "account_id": self.accounts["平"].id,
            "post": "学校管理员 · 北实验小学",
            "at": TODAY,
        }
        self._add(Change(scope_path=waiting.scope_path, act="pass", changes={"outcome": ["pending", "passed"]}, **act))
        self._add(Decision(step="pass", label="通过", source="pending", target="passed", **act))

    def _hours(self) -> None:
        """A programme of the county, and two hours 兰 has earned at North."""
        county, north = self.units["350203"], self.units["北"]
        programme = Programme(name="能力提升工程2.0", year=2026, region_id=county.id, scope_path=county.scope_path)
        programme.starts_on, programme.ends_on = date(2026, 1, 1), date(2026, 12, 31)
        policy = HourPolicy(programme_id=self._add(programme).id, valid_from=date(2026, 1, 1), scope_path=county.scope_path)
        lan = self.accounts["兰"].teacher_id
        entry = HourEntry(teacher_id=lan, programme_id=programme.id, policy_id=self._add(policy).id, evidence="cast/0")
        entry.category, entry.title, entry.hours = HourCategory.DISCUSSION, "单元整体教学研讨", Decimal(2)
        entry.earned_at, entry.scope_path = TODAY - timedelta(days=2), north.scope_path
        self._add(entry)
