"""Whose leader was reminded, and when, that a member's hours are not enough yet (S0-32, S1-35)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Day, Moment
from models.scoping import Internal


class FollowUp(Internal, Base):
    """One reminder about one teacher; once a day at most, whoever presses the button."""

    __tablename__ = "follow_up"
    __screen__ = None
    __table_args__ = (UniqueConstraint("school_programme_id", "teacher_id", "reminded_on"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    school_programme_id: Mapped[int] = mapped_column(ForeignKey("school_programme.id", ondelete="CASCADE"))
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teacher.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    """Who asked for it."""
    reminded_on: Mapped[Day]
    reminded_at: Mapped[Moment]
