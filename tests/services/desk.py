"""What the tests about teachers share: rows as nobody's reach limits them, and steps taken by the cast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Account
from models.history import Decision
from models.org import School
from models.people import Certification, CertificationOutcome, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from rules.approvals import CERTIFICATION
from rules.grants import TEACHER
from rules.workflow import take
from tests.cast import TODAY, Cast


@dataclass(frozen=True)
class Desk:
    """One session, and the cast by name."""

    cast: Cast
    session: Session

    def teacher(self, name: str) -> Teacher:
        return self._one(Teacher, self.cast.teacher[name])

    def school(self, key: str) -> School:
        return self._one(School, self.cast.school[key])

    def account(self, name: str) -> Account:
        return self._one(Account, self.cast.account[name])

    def rows(self, model: type[Any], *conditions: Any) -> list[Any]:
        with acting_as(SYSTEM):
            return list(self.session.scalars(select(model).where(*conditions).order_by(model.id)))

    def decisions(self) -> list[Decision]:
        """Those about teachers, the first one first."""
        return self.rows(Decision, Decision.table_name == "teacher")

    def applications(self, name: str) -> list[tuple[CertificationOutcome, str | None]]:
        found = self.rows(Certification, Certification.teacher_id == self.cast.teacher[name])
        return [(row.outcome, row.comment) for row in found]

    def put(self, model: type[Any], row_id: int, **values: Any) -> None:
        """Arrange the world, past every rule; what the session has loaded of it is read anew."""
        with acting_as(SYSTEM):
            self.session.execute(update(model.__table__).where(model.__table__.c.id == row_id).values(values))
            self.session.commit()
            self.session.expire_all()

    def take(self, who: str | Identity, step: str, name: str, comment: str = "") -> Decision:
        """``take("平", "pass", "兰")``: 平 passes 兰."""
        identity = self.cast.identity(who) if isinstance(who, str) else who
        with acting_as(identity):
            return take(self.session, identity, CERTIFICATION, self.teacher(name), step, comment=comment, now=TODAY)

    def moved(self, name: str) -> Identity:
        """The teacher as their next request finds them, at the place they have moved to."""
        before, path = self.cast.identity(name, TEACHER), self.teacher(name).scope_path
        grants = frozenset((act, table, path) for act, table, _ in before.grants)
        return Identity(before.account_id, before.post_id, before.label, grants, before.person)

    def _one(self, model: type[Any], row_id: int) -> Any:
        with acting_as(SYSTEM):
            return self.session.get_one(model, row_id)
