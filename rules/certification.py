"""Applying to be recognised with what proves it: letters of appointment, certificates (S3-09, S3-121…123).

The steps are ``rules.approvals.CERTIFICATION``. The one thing a newcomer gets wrong: evidence belongs to the one application it came with.
Who was not passed applies anew, with other evidence; what the school decided on stays as the school saw it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.people import Certification, CertificationOutcome, Teacher
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict
from rules.approvals import CERTIFICATION
from rules.files import settle
from rules.workflow import lock, take

EVIDENCE = "evidence"
DECIDED = "申请已办理或已撤回，证明材料不能再更换，请刷新页面查看结果。"


def apply_with_evidence(session: Session, identity: Identity, teacher: Teacher, evidence: Iterable[int], *, now: datetime) -> None:
    """Apply, and hang one's files on the application; both or neither.

    Raises NotPermitted, OutOfReach, RuleViolation.
    """
    with acting_as(identity.serving()), transaction(session):
        take(session, identity, CERTIFICATION, teacher, "apply", now=now, commit=False)
        application = open_application(session, teacher)
        assert application is not None
        settle(session, identity, application, EVIDENCE, evidence)


def change_evidence(session: Session, identity: Identity, teacher: Teacher, evidence: Iterable[int], *, now: datetime) -> None:
    """Make these the evidence of the application that waits; whoever has the old one in front of them is told to look again.

    Raises NotPermitted, OutOfReach, RuleViolation; Conflict when it is decided meanwhile.
    """
    with acting_as(identity.serving()), transaction(session):
        teacher = lock(session, identity, teacher, "apply")
        application = open_application(session, teacher)
        if application is None:
            raise Conflict(DECIDED)
        settle(session, identity, application, EVIDENCE, evidence)
        # A decision is taken on the version its page showed.
        teacher.updated_at = now


def open_application(session: Session, teacher: Teacher) -> Certification | None:
    """The application that waits, if it is within the reader's reach."""
    waits = (Certification.teacher_id == teacher.id, Certification.outcome == CertificationOutcome.PENDING)
    return session.scalars(select(Certification).where(*waits).order_by(Certification.id.desc()).limit(1)).first()
