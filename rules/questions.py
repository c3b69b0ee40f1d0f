"""提问答疑: a teacher's question goes to the school, a school's to its county, and so on up (S3-15, S3-19, S3-25, S3-29).

The one thing a newcomer gets wrong: it goes to the nearest unit that has an administrator now, so that none waits at an office
where nobody sits; the platform's operator answers where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force
from models.history import Decision
from models.notices import NoticeKind
from models.questions import Question, QuestionState
from models.scoping import ROOT, Identity, acting_as, ancestors, current_identity
from models.session import transaction
from models.violation import Sentence
from rules.code_issuers import MAY_REPLACE
from rules.errors import RuleViolation
from rules.grants import is_admin_role
from rules.id_numbers import one_line
from rules.notices import administrators_of, page_of, tell_accounts
from rules.throttle import hit
from rules.workflow_steps import KnownBy, Step, Workflow

A_DAY, DAY = 20, 86_400
MOST_OWN = 20
NOBODY_ABOVE = "已经没有上级，请直接答复。"
OTHERS_TURN = "这个问题由下级单位办理，您可以直接答复，不能代为转交。"

# --- asking -----------------------------------------------------------------------------------------------------------


def ask(session: Session, identity: Identity, account: Account, title: str, description: str, *, now: datetime) -> Question:
    """Put a question to the nearest administrators above, and tell them; RuleViolation where there are too many in a day."""
    title = one_line(title)
    if not title:
        raise RuleViolation("请填写“{label}”。", "title", label="问题")
    if not hit(session, f"question:{account.id}", limit=A_DAY, seconds=DAY, now=now):
        raise RuleViolation("今天提问太多了，请明天再来，或直接联系管理员。")
    with acting_as(identity.serving()), transaction(session):
        post = session.get(Post, identity.post_id) if identity.post_id is not None else None
        question = Question(
            title=title,
            description=description.strip() or None,
            asker=account.get_full_name(),
            unit_name=post.unit_name if post is not None else None,
            account_id=account.id,
            scope_path=_who_answers(session, _asked_from(post, account), account.id),
        )
        session.add(question)
        session.flush()
        _tell(session, question, now)
    return question


def own_questions(session: Session, account: Account) -> list[Question]:
    """What the account has asked, newest first."""
    mine = select(Question).where(Question.account_id == account.id).order_by(Question.id.desc())
    with acting_as(Identity(label="提问人", everything=True)):
        return list(session.scalars(mine.limit(MOST_OWN)))


def _asked_from(post: Post | None, account: Account) -> list[str]:
    """The units that may answer, the nearest last: an administrator's own is not among them."""
    path = post.scope_path if post is not None else account.scope_path
    above = ancestors(path)
    return above if post is not None and is_admin_role(post.role) else [*above, path]


def _who_answers(session: Session, units: Sequence[str], asker: int | None) -> str:
    """The last of these units at which somebody else than the asker is administrator now, else the platform itself."""
    others = (*_administers(Post.scope_path.in_(units)), Post.account_id.is_distinct_from(asker))
    return max(session.scalars(select(Post.scope_path).where(*others).distinct()), key=len, default=ROOT)


def _administers(where: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return where, Post.role.in_(MAY_REPLACE), in_force()


def _tell(session: Session, question: Question, now: datetime) -> None:
    told = Sentence("{asker}提问：{title}", asker=question.asker, title=question.title)
    asked = set(administrators_of(session, question.scope_path)) - {question.account_id}
    tell_accounts(session, asked, told, page_of(question), kind=NoticeKind.REMINDER, now=now, place=question.scope_path)


# --- answering --------------------------------------------------------------------------------------------------------


def at_own_unit(paths: Sequence[str]) -> ColumnElement[bool]:
    """Whoever is above reads all questions below, but what waits there is the others' to answer, unless they have left."""
    return or_(Question.scope_path.in_(paths), ~exists().where(*_administers(Post.scope_path == Question.scope_path)))


def reasons_against_passing_on(session: Session, question: Question) -> Iterator[str]:
    """It leaves the hands of who passes it on, so it has to be in them."""
    person = replace(current_identity(), everything=False)
    if question.scope_path == ROOT:
        yield NOBODY_ABOVE
    elif person.account_id and question.scope_path not in person.paths("answer", "question"):
        yield OTHERS_TURN


def _passed_on(session: Session, question: Question, decision: Decision) -> None:
    """Out of the hands of who passes it on: it belongs to the next unit above with an administrator, who is told."""
    question.scope_path = _who_answers(session, ancestors(question.scope_path), question.account_id)
    _tell(session, question, decision.at)


def _answered(session: Session, question: Question, decision: Decision) -> None:
    question.answer = decision.comment
    question.answered_at = decision.at


_OPEN = (QuestionState.WAITING, QuestionState.PASSED_ON)

QUESTIONS = Workflow(
    "提问答疑",
    Question.state,
    (
        Step(
            "answer",
            _OPEN,
            QuestionState.ANSWERED,
            act="answer",
            label="答复",
            kind="primary",
            not_by_author=True,
            needs_comment=True,
            comment_label="答复内容",
            among=at_own_unit,
            effect=_answered,
        ),
        Step(
            "pass_on",
            _OPEN,
            QuestionState.PASSED_ON,
            act="answer",
            label="转交上级",
            kind="normal",
            not_by_author=True,
            confirm="转交后由上级管理员答复，本单位不再看到这个问题。确定转交吗？",
            among=at_own_unit,
            check=reasons_against_passing_on,
            effect=_passed_on,
        ),
    ),
    person=KnownBy({"account": Question.account_id}),
    starts=(QuestionState.WAITING,),
    waits=_OPEN,
    ends=(QuestionState.ANSWERED,),
    subject=str,
    leads_to="/my-administrators/",
)
