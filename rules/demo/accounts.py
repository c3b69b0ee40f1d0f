"""Who can log in to the demonstration, and as what: the table the README prints.

The one thing a newcomer gets wrong: these passwords are public. Whoever shows the demonstration to others than themselves changes
them first; nobody else in it has a password at all, but teachers on the default one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from random import Random

from sqlalchemy import select

from models.access import Account, PersonKind, Post
from models.scoping import ROOT
from rules.demo.persons import person_name, phone_number
from rules.demo.regions import Place
from rules.demo.schools import Settled
from rules.demo.writer import Writer
from rules.grants import COURSE_PROVIDER, OPERATOR, REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TEACHER, TRAINING_EXPERT, role_label
from rules.issuing import chosen, new_account

Unit = Place | Settled

PASSWORD = "Yanxiu2024"
FIRST_PHONE = 98_000_000
"""Of the phones in ``persons``; the last ones, so that teachers have the rest."""


@dataclass(frozen=True)
class DemoAccount:
    """A person with a password everybody knows; two rows of one account are two posts (S3-37, S3-40)."""

    name: str
    role: str
    """Empty: registered, without any post (S3-32)."""
    unit: str
    username: str
    password: str = PASSWORD


DEMO_ACCOUNTS: tuple[DemoAccount, ...] = (
    DemoAccount("陈致远", OPERATOR, "", "admin"),
    DemoAccount("林文涛", REGION_SUPER, "福建省", "OrganAdmin1"),
    DemoAccount("郑雅静", REGION_SPECIAL, "福建省", "OrganAdmin2"),
    DemoAccount("邱建明", REGION_SUPER, "三明市", "OrganAdmin3"),
    DemoAccount("黄秀英", REGION_SPECIAL, "莆田市", "OrganAdmin4"),
    DemoAccount("伍晓峰", REGION_SPECIAL, "宁化县", "OrganAdmin5"),
    DemoAccount("苏海燕", REGION_SPECIAL, "思明区", "OrganAdmin6"),
    DemoAccount("苏海燕", REGION_SPECIAL, "湖里区", "OrganAdmin6"),
    DemoAccount("白振华", REGION_SUPER, "内蒙古自治区", "OrganAdmin7"),
    DemoAccount("张国平", SCHOOL_ADMIN, "央馆六县第一中学", "SchoolAdmin1"),
    DemoAccount("李淑芳", SCHOOL_ADMIN, "福州第一中学", "SchoolAdmin2"),
    DemoAccount("温永康", SCHOOL_ADMIN, "宁化第一中学", "SchoolAdmin3"),
    DemoAccount("叶立新", COURSE_PROVIDER, "福建省", "TrainingAdmin1"),
    DemoAccount("江若水", TRAINING_EXPERT, "福建省", "35010219751012088X"),
    DemoAccount("张二", TEACHER, "央馆六县第一中学", "350424198409101210"),
    DemoAccount("周敏", TEACHER, "福州第一中学", "350102198203159025"),
    DemoAccount("吴芳", TEACHER, "福州第一中学", "350102198607249043"),
    DemoAccount("郑凯", TEACHER, "福州第一中学", "350102199101189033"),
    DemoAccount("何斌", TEACHER, "福州第一中学", "350102197909059013"),
    DemoAccount("许静", TEACHER, "福州第一中学", "350102198812129067"),
    DemoAccount("罗国栋", TEACHER, "宁化第一中学", "350424198105061328"),
    DemoAccount("邱月华", TEACHER, "宁化第一中学", "350424198411232172"),
    DemoAccount("张文辉", TEACHER, "宁化第一中学", "350424197908303015"),
    DemoAccount("王青", "", "", "13959880001"),
)

PASSWORDS = {account.username: account.password for account in DEMO_ACCOUNTS}
ADMINISTERED = frozenset(account.unit for account in DEMO_ACCOUNTS if account.role == SCHOOL_ADMIN)


def add_demo_accounts(writer: Writer, places: Mapping[str, Place], schools: Sequence[Settled]) -> None:
    """Write the accounts of the table with their posts, but for teachers', whose accounts come with them."""
    units: dict[str, Unit] = {place.name: place for place in places.values()} | {school.name: school for school in schools}
    taken = set(writer.session.scalars(select(Account.username).where(Account.username.in_(PASSWORDS))))
    wanted = [account for account in DEMO_ACCOUNTS if account.role != TEACHER and account.username not in taken]
    people = [list(rows) for _, rows in groupby(wanted, key=attrgetter("username"))]
    for n, (account_id, rows) in enumerate(zip(writer.reserve(Account, len(people)), people, strict=True)):
        phone = phone_number(FIRST_PHONE + n) if rows[0].role else rows[0].username
        _add_account(writer, account_id, rows[0], units.get(rows[0].unit), phone)
        for row in rows:
            if row.role:
                _add_post(writer, account_id, row.role, units.get(row.unit), row.name, phone)


def add_administrators(writer: Writer, schools: Sequence[Settled], first: int) -> None:
    """Give each of these schools an administrator of its own, without a password; their accounts count up from ``first``."""
    random = Random(first)
    for n, (account_id, school) in enumerate(zip(writer.reserve(Account, len(schools)), schools, strict=True), start=first):
        name, phone = person_name(random), phone_number(FIRST_PHONE + n)
        writer.add_account(account_id, new_account(f"SchoolAdmin{n}", name, school.path, writer.now) | {"phone": phone})
        _add_post(writer, account_id, SCHOOL_ADMIN, school, name, phone)


def _add_account(writer: Writer, account_id: int, account: DemoAccount, unit: Unit | None, phone: str) -> None:
    path = unit.path if unit else ROOT
    values = new_account(account.username, account.name, path, writer.now) | chosen(account.password) | {"phone": phone}
    if not account.role:
        values |= {"identities": [PersonKind.TEACHER.value], "identity": PersonKind.TEACHER}
    writer.add_account(account_id, values)


def _add_post(writer: Writer, account_id: int, role: str, unit: Unit | None, name: str, phone: str) -> None:
    writer.add(
        Post,
        account_id=account_id,
        role=role,
        region_id=unit.id if isinstance(unit, Place) else None,
        school_id=unit.id if isinstance(unit, Settled) else None,
        unit_name=unit.name if unit else role_label(role),
        scope_path=unit.path if unit else ROOT,
        since=writer.now,
        source="demo",
        contact_name=name,
        contact_unit=unit.name if unit else None,
        contact_position="教师发展中心主任" if isinstance(unit, Place) else "信息中心主任",
        contact_phone=phone,
    )
