"""What an account is told: a sentence that is kept so that it can be said in the reader's language, and where it leads.

The one thing a newcomer gets wrong: a notice is a copy for one account. What it tells of may have changed since, so it leads to the
page that says how things stand now, and that page asks its own three questions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, Integer, String, TypeDecorator, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Choice, Flag, Moment, PathString, choice, utcnow
from models.scoping import Own
from models.violation import Sentence, again, kept

UNREAD = text("read_at IS NULL")


class NoticeKind(Choice):
    DECISION = "decision", "办理结果", "green"
    ACCOUNT = "account", "账号安全", "yellow"
    POST = "post", "管理权限", "blue"
    REMINDER = "reminder", "提醒", "yellow"
    JOB = "job", "导入导出", "gray"


class Said(TypeDecorator[Sentence]):
    """A sentence with its template and values, as JSON."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Sentence | None, dialect: Any) -> Any:
        return kept(value) if value is not None else None

    def process_result_value(self, value: Any, dialect: Any) -> Sentence | None:
        return again(value) if value is not None else None


class Notice(Own, Base):
    """消息: one sentence for one account, unread until it is opened; ``rules.notices`` writes it and nobody else."""

    __tablename__ = "notice"
    __screen__ = None
    __table_args__ = (
        Index("ix_notice_unread", "account_id", sqlite_where=UNREAD, postgresql_where=UNREAD),
        Index("ix_notice_made_at", "made_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[NoticeKind] = choice(NoticeKind, "类型")
    sentence: Mapped[Sentence] = mapped_column(Said)
    address: Mapped[str] = mapped_column(String(200))
    """A page of this platform: a path, never another host."""
    place: Mapped[str | None] = mapped_column(PathString)
    """The unit it is about, so that who has several workbenches is led to the one that reaches it."""
    made_at: Mapped[Moment] = mapped_column(default=utcnow)
    read_at: Mapped[Moment | None]
    is_text_due: Mapped[Flag] = mapped_column(default=False)
    """To be sent to the account's phone as well, by a worker."""
