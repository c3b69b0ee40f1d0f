"""客服: what customer service decides, and the two steps by which it gives somebody another phone (S0-17, S0-24, S3-134, S4-39…41).

The one thing a newcomer gets wrong: a photograph and five correct items prove little. The phone changes only after somebody has
talked to who asks, and only on the account that carries the name, the number and the old phone they gave. An account that was never
given a phone, as the school's teachers have, carries the one in its teacher's record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.access import Account, AccountState
from models.history import Decision
from models.people import Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.service import RequestKind, RequestState, ServiceRequest
from models.session import transaction
from models.violation import Conflict
from rules.errors import RuleViolation
from rules.masks import mask_phone
from rules.passwords import tells_password
from rules.phones import bind_another, tell_given_up
from rules.workflow import take
from rules.workflow_steps import KnownBy, Step, Workflow

CHANGED = "已核实，您的账号已改为绑定新手机号码，请用新号码登录。"
NOBODY = "没有姓名、身份证号码、原手机号码都与申请一致的在用账号，不能在这里更换。请写明原因“无法核实”，或核对后在账号页面办理并“答复”。"

LAPSED = "申请超过期限仍未能核实，已自动结束，照片将按期删除。仍需更换手机号码的，请重新申请或直接联系客服。"

# --- the steps --------------------------------------------------------------------------------------------------------


def _answered(session: Session, request: ServiceRequest, decision: Decision) -> None:
    """The answer can be read with the number alone, by whoever typed the phone: it never tells a password."""
    if tells_password(decision.comment or ""):
        raise RuleViolation("答复可以凭查询号公开查看，不能写密码或权限码。请在账号页面重置密码，并发到账号登记的手机。", "comment")
    request.answer = decision.comment
    request.answered_at = decision.at


def reasons_against_rebinding(session: Session, request: ServiceRequest) -> Iterator[str]:
    """Only who has asked for another phone is called back and given one (S4-39, S4-41)."""
    if request.kind is not RequestKind.PHONE:
        yield "只有更换手机号码的申请需要回访和换绑。"


SERVICE = Workflow(
    "客服申请处理",
    ServiceRequest.state,
    (
        # By customer service (call_back, change_asked_phone).
        Step(
            "call_back",
            RequestState.WAITING,
            RequestState.CALLED,
            act="answer",
            label="登记回访",
            not_by_author=True,
            needs_comment=True,
            comment_label="回访记录",
            check=reasons_against_rebinding,
            shown=False,
        ),
        Step(
            "rebind",
            RequestState.CALLED,
            RequestState.ANSWERED,
            act="answer",
            label="更换绑定手机",
            not_by_author=True,
            needs_comment=True,
            comment_label="答复内容",
            check=reasons_against_rebinding,
            effect=_answered,
            shown=False,
        ),
        Step(
            "answer",
            (RequestState.WAITING, RequestState.CALLED),
            RequestState.ANSWERED,
            act="answer",
            label="答复",
            kind="primary",
            not_by_author=True,
            needs_comment=True,
            comment_label="答复内容",
            effect=_answered,
        ),
        Step(
            "refuse",
            (RequestState.WAITING, RequestState.CALLED),
            RequestState.REFUSED,
            act="answer",
            label="无法核实",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            comment_label="无法核实的原因",
            effect=_answered,
        ),
        # By the night, when nobody has decided on another phone in time (lapse).
        Step(
            "lapse",
            (RequestState.WAITING, RequestState.CALLED),
            RequestState.REFUSED,
            act="answer",
            label="逾期结束",
            needs_comment=True,
            comment_label="无法核实的原因",
            check=reasons_against_rebinding,
            effect=_answered,
            shown=False,
        ),
    ),
    person=KnownBy({"account": ServiceRequest.account_id, "phone": ServiceRequest.phone, "id_number": ServiceRequest.id_number}),
    starts=(RequestState.WAITING,),
    waits=(RequestState.WAITING, RequestState.CALLED),
    ends=(RequestState.ANSWERED, RequestState.REFUSED),
    leads_to="/service/",
)


def lapse(session: Session, *, before: datetime, now: datetime) -> int:
    """End requests for another phone that nobody has worked on since ``before``, and tell whoever asked; answers how many.

    From then on their photographs are kept no longer than those of any decided request (S4-39, decision 8).
    """
    forgotten = (ServiceRequest.kind == RequestKind.PHONE, ServiceRequest.updated_at < before)
    waiting = ServiceRequest.state.in_((RequestState.WAITING, RequestState.CALLED))
    count = 0
    with acting_as(SYSTEM):
        for request in session.scalars(select(ServiceRequest).where(*forgotten, waiting)).all():
            try:
                take(session, SYSTEM, SERVICE, request, "lapse", comment=LAPSED, now=now)
            except Conflict:
                # Somebody decides on it at this moment.
                continue
            count += 1
    return count


# --- another phone ----------------------------------------------------------------------------------------------------


def call_back(session: Session, identity: Identity, request: ServiceRequest, said: str, now: datetime) -> None:
    """Put on record that who asks has been talked to: who called, when, and what was checked (S4-41).

    Raises NotPermitted, OutOfReach, RuleViolation; Conflict when somebody else was faster.
    """
    identity.require("answer", "service_request", request.scope_path)
    take(session, identity.serving(), SERVICE, request, "call_back", comment=said, now=now)


def change_asked_phone(session: Session, identity: Identity, request: ServiceRequest, answer: str, now: datetime) -> str:
    """Bind the phone that was asked for and answer the request, both or neither; answers the new phone, masked (S4-39).

    The account's bell, its new phone and its old one are told. Raises NotPermitted, OutOfReach, RuleViolation (nobody was called back
    yet, no account agrees, the phone is taken); Conflict when somebody else was faster.
    """
    identity.require("answer", "service_request", request.scope_path)
    with acting_as(identity.serving()), transaction(session):
        # First: whoever comes second hears of the first, not of an account that no longer agrees.
        take(session, identity.serving(), SERVICE, request, "rebind", comment=answer.strip() or CHANGED, now=now, commit=False)
        account = _account_asked_for(session, identity, request)
        given_up = bind_another(session, account, request.phone, now) or request.old_phone
        if account.teacher is not None and account.teacher.phone == request.old_phone:
            account.teacher.phone = account.phone
    tell_given_up(given_up, request.phone)
    return mask_phone(request.phone)


def _account_asked_for(session: Session, identity: Identity, request: ServiceRequest) -> Account:
    """The one account whose phone this person may change and that carries all three things the request names."""
    recorded = and_(Account.phone.is_(None), Account.teacher.has(Teacher.phone == request.old_phone))
    by_phone = or_(Account.phone == request.old_phone, Account.username == request.old_phone, recorded)
    named = (Account.first_name == request.name, Account.id_number == request.id_number, by_phone, Account.state == AccountState.ACTIVE)
    found = session.scalars(select(Account).where(*named).limit(2)).all()
    if len(found) != 1 or not identity.reaches("rebind", "account", found[0].scope_path):
        raise RuleViolation(NOBODY)
    return found[0]
