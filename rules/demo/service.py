"""What people have asked customer service and their administrators in the demonstration (S0-17, S3-15, S3-134).

The one thing a newcomer gets wrong: nobody has the numbers of these requests, so they are seen at the operator's list alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select

from models.access import Account
from models.questions import Question, QuestionState
from models.scoping import ROOT
from models.service import RequestKind, RequestState, ServiceRequest
from rules.demo.regions import Place
from rules.demo.schools import Settled
from rules.demo.writer import Writer

# Kind, account whose owner asks (empty: none), name, unit, position, what they say, state and answer.
ASKED = (
    (RequestKind.PASSWORD, "SchoolAdmin2", "李淑芳", "福州第一中学", "信息中心主任", "换了电脑，忘记密码了。", RequestState.WAITING, None),
    (RequestKind.ACCOUNT, "TrainingAdmin1", "叶立新", "福建省", "项目主管", "记不清账号，请协助查询。", RequestState.WAITING, None),
    (RequestKind.ADMINISTRATOR, "", "赵敏", "宁化县实验小学", "教导主任", "不知道县里的管理员是谁。", RequestState.WAITING, None),
    (
        RequestKind.PASSWORD,
        "OrganAdmin4",
        "黄秀英",
        "莆田市",
        "教师发展中心主任",
        "密码多次输错。",
        RequestState.ANSWERED,
        "已电话核实，密码已重置并发送到您登记的手机，请登录后立即修改。",
    ),
    (
        RequestKind.OTHER,
        "",
        "孙强",
        "某某小学",
        None,
        "想直接开通一个管理员账号。",
        RequestState.REFUSED,
        "没有查到这所学校，管理员须使用上级发放的权限码开通。",
    ),
)

# Account that asks, its unit, the unit that is to answer, what is asked, and the answer.
QUESTIONS = (
    ("350424198409101210", "央馆六县第一中学", "央馆六县第一中学", "认证通过后多久可以参加校本研修？", None),
    (
        "350102198203159025",
        "福州第一中学",
        "福州第一中学",
        "线下研修活动的佐证材料有什么要求？",
        "需要签到表、通知和现场照片各一份，由组长上传。",
    ),
    ("SchoolAdmin3", "宁化第一中学", "宁化县", "学校更名后，统一社会信用代码要不要一起改？", None),
    ("OrganAdmin4", "莆田市", "福建省", "市直属学校的权限码由市里生成还是由省里生成？", "由莆田市生成，省里也可以代为生成。"),
)


def add_service_requests(writer: Writer, places: Mapping[str, Place], schools: Sequence[Settled]) -> None:
    """Write the requests; the accounts they are about have to be stored already."""
    units: dict[str, Place | Settled] = {place.name: place for place in places.values()} | {school.name: school for school in schools}
    stored = writer.session.execute(select(Account.username, Account.phone).where(Account.phone.is_not(None)))
    phones: dict[str, str | None] = {username: phone for username, phone in stored}
    for n, (kind, username, name, unit_name, position, description, state, answer) in enumerate(ASKED):
        unit = units.get(unit_name)
        writer.add(
            ServiceRequest,
            kind=kind,
            name=name,
            unit_name=unit_name,
            position=position,
            phone=phones.get(username) or f"1390000{n:04d}",
            description=description,
            region_id=unit.id if isinstance(unit, Place) else None,
            school_id=unit.id if isinstance(unit, Settled) else None,
            scope_path=unit.path if unit else ROOT,
            digest=secrets.token_hex(32),
            state=state,
            answer=answer,
            created_at=writer.now - timedelta(days=2, hours=n),
            answered_at=writer.now - timedelta(hours=n) if answer else None,
        )


def add_questions(writer: Writer, places: Mapping[str, Place], schools: Sequence[Settled]) -> None:
    """Write the questions to administrators; the accounts that ask have to be stored already."""
    paths = {place.name: place.path for place in places.values()} | {school.name: school.path for school in schools}
    asking = select(Account).where(Account.username.in_(username for username, *_ in QUESTIONS))
    stored = {account.username: account for account in writer.session.scalars(asking)}
    for n, (username, unit_name, asked, title, answer) in enumerate(QUESTIONS):
        writer.add(
            Question,
            title=title,
            asker=stored[username].first_name,
            unit_name=unit_name,
            account_id=stored[username].id,
            scope_path=paths[asked],
            state=QuestionState.ANSWERED if answer else QuestionState.WAITING,
            answer=answer,
            created_at=writer.now - timedelta(days=2, hours=n),
            answered_at=writer.now - timedelta(hours=n) if answer else None,
        )
