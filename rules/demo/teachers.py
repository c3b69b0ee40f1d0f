"""The teachers of the demonstration: some hundreds in 福建省, in every state of certification, each with their account.

央馆六县第一中学 shows the manual's page: two passed, one waiting, two failed (S3-115).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import NamedTuple

from models.access import Account, Post
from models.people import CertificationState, Teacher
from rules.demo.accounts import PASSWORDS
from rules.demo.persons import phone_number
from rules.demo.schools import Settled
from rules.demo.staff import STATES, UNDECIDED, Person, References, add_teacher, draw_person
from rules.demo.writer import Writer
from rules.grants import TEACHER
from rules.issuing import chosen, new_account, teaching

TEACHERS = 300
FIRST_PHONE = 97_000_000
MANUALS_SCHOOL = "央馆六县第一中学"
# Name, document, phone (a dash: any), title, subject (a dash: none), state. Who registered alone logs in with the phone (S4-52).
MANUALS_TEACHERS = """
张二 350424198409101210 - 一级教师 物理 passed
张三 350424198604180241 - 二级教师 语文 passed
张四 350424197806080375 19859882552 正高级教师 - pending
张五 350424199111020535 - 未定级 心理健康教育 failed
张六 350424198807300661 - 一级教师 体育与健康 failed
"""
LARGE_SCHOOL, COUNTY_SCHOOL = "福州第一中学", "宁化第一中学"
# Whose school research is shown (stories): leaders, members, IT teams; some have a password (accounts).
RESEARCHERS = """
周敏 350102198203159025 - 高级教师 语文 passed
吴芳 350102198607249043 - 一级教师 语文 passed
郑凯 350102199101189033 - 二级教师 语文 passed
何斌 350102197909059013 - 高级教师 信息科技 passed
许静 350102198812129067 - 一级教师 数学 passed
"""
COUNTY_RESEARCHERS = """
罗国栋 350424198105061328 - 高级教师 物理 passed
邱月华 350424198411232172 - 一级教师 物理 passed
曾小龙 350424199002141450 - 二级教师 物理 passed
谢安宁 35042419921017322X - 二级教师 物理 passed
张文辉 350424197908303015 - 高级教师 信息科技 passed
雷素琴 350424198706092648 - 一级教师 英语 passed
"""


class Staff(NamedTuple):
    """Who is known by name at a school, and how many teach there in all."""

    listed: str
    stage: str
    last_phone: int
    size: int


STAFFS = {
    MANUALS_SCHOOL: Staff(MANUALS_TEACHERS, "初中", FIRST_PHONE - 1, 5),
    LARGE_SCHOOL: Staff(RESEARCHERS, "高中", FIRST_PHONE - 101, 33),
    COUNTY_SCHOOL: Staff(COUNTY_RESEARCHERS, "高中", FIRST_PHONE - 201, 18),
}
STATE_NAMES = {state.value: state for state in CertificationState}


def add_demo_teachers(writer: Writer, references: References, schools: Sequence[Settled]) -> None:
    """Write the teachers with their applications, accounts and posts."""
    staff = list(_staff(writer, schools))
    teacher_ids, account_ids = writer.reserve(Teacher, len(staff)), writer.reserve(Account, len(staff))
    for teacher_id, account_id, (school, person, username) in zip(teacher_ids, account_ids, staff, strict=True):
        path = add_teacher(writer, references, teacher_id, school, person, username)
        _add_account(writer, account_id, teacher_id, school, person, username, path)


def _staff(writer: Writer, schools: Sequence[Settled]) -> Iterator[tuple[Settled, Person, str]]:
    """(school, teacher, account name) of everybody."""
    random = Random(TEACHERS)
    others = [school for school in schools if school.name not in STAFFS]
    rest = TEACHERS - sum(staff.size for staff in STAFFS.values())
    sizes = {school.id: (n + 1) * rest // len(others) - n * rest // len(others) for n, school in enumerate(others)}
    nth = 0
    for school in schools:
        known = list(_by_name(writer, STAFFS[school.name])) if school.name in STAFFS else []
        yield from ((school, person, username) for person, username in known)
        for _ in range(sizes[school.id] if school.id in sizes else STAFFS[school.name].size - len(known)):
            nth += 1
            states = STATES if school.is_administered else UNDECIDED
            person = draw_person(random, school, nth, FIRST_PHONE + nth, states, writer.now)
            yield school, person, person.id_number


def _by_name(writer: Writer, staff: Staff) -> Iterator[tuple[Person, str]]:
    for n, line in enumerate(staff.listed.strip().splitlines()):
        name, number, phone, title, subject, state = line.split()
        person = Person(
            name=name,
            id_number=number,
            phone=phone_number(staff.last_phone - n) if phone == "-" else phone,
            title=title,
            stage=staff.stage,
            subject=None if subject == "-" else subject,
            state=STATE_NAMES[state],
            applied_at=writer.now - timedelta(days=10 + n, minutes=10 * n),
        )
        yield person, number if phone == "-" else phone


def _add_account(writer: Writer, account_id: int, teacher_id: int, school: Settled, person: Person, username: str, path: str) -> None:
    values = new_account(username, person.name, path, writer.now) | teaching(writer.now)
    values |= {"teacher_id": teacher_id, "id_number": person.id_number, "phone": username if username == person.phone else None}
    if username in PASSWORDS:
        values |= chosen(PASSWORDS[username])
    writer.add_account(account_id, values)
    writer.add(
        Post,
        account_id=account_id,
        role=TEACHER,
        school_id=school.id,
        unit_name=school.name,
        scope_path=path,
        since=writer.now,
        source="demo",
    )
