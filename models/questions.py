"""What teachers and administrators ask the administrators above them (S3-15, S3-19, S3-25, S3-29).

The one thing a newcomer gets wrong: a question belongs to the unit that is to answer it, not to the one that asks; passing it on
moves it up, and with it who reads it.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped

from models.access import Account
from models.base import Choice, Moment, Name, Record, Screen, Sentence, choice, field
from models.scoping import Scoped


class QuestionState(Choice):
    WAITING = "waiting", "待答复", "yellow"
    PASSED_ON = "passed_on", "已转交上级", "blue"
    ANSWERED = "answered", "已答复", "green"


class Question(Scoped, Record):
    """提问答疑: a question to the nearest administrators above who asks it."""

    __tablename__ = "question"
    __keeps_owner__: ClassVar[bool] = False
    __screen__ = Screen(
        "提问答疑",
        menu="人员管理",
        icon="messages",
        list=("title", "asker", "unit_name", "state", "created_at"),
        search=("title", "asker"),
        facets=("state",),
        filters=("created_at",),
        sort=("created_at",),
        show=("title", "description", "asker", "unit_name", "state", "created_at", "answer", "answered_at"),
        acts=("read", "export"),
        extra_acts=("answer",),
        unit="个问题",
        rank=23,
        empty="还没有人提问。教师和下级管理员在“我的管理员”页面提问后会出现在这里。",
    )
    __table_args__ = (Index("ix_question_state_scope", "state", "scope_path"),)

    title: Mapped[Name] = field("问题", fixed=True, index=True)
    description: Mapped[Sentence | None] = field("详细说明", fixed=True)
    asker: Mapped[Name] = field("提问人", fixed=True, index=True)
    unit_name: Mapped[Name | None] = field("提问人单位", fixed=True)
    account_id: Mapped[int | None] = field(
        "提问账号", ForeignKey("ab_user.id", ondelete="SET NULL"), readonly=True, hidden=True, index=True, target=Account
    )
    state: Mapped[QuestionState] = choice(QuestionState, "状态", readonly=True, default=QuestionState.WAITING)
    answer: Mapped[Sentence | None] = field("答复", readonly=True)
    answered_at: Mapped[Moment | None] = field("答复时间", readonly=True)
