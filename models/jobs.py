"""Long work: imports, exports and bulk acts, with progress anybody may leave and find again (S3-38 导出管理)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Choice, Json, Moment, Name, Record, Screen, choice, field
from models.scoping import Internal, Own


class JobState(Choice):
    WAITING = "waiting", "排队中", "gray"
    RUNNING = "running", "进行中", "blue"
    DONE = "done", "已完成", "green"
    FAILED = "failed", "失败", "red"
    STOPPED = "stopped", "已中断", "yellow"


class JobKind(Choice):
    EXPORT = "export", "导出"
    IMPORT_CHECK = "import_check", "导入检查"
    IMPORT_APPLY = "import_apply", "导入"
    BULK = "bulk", "批量办理"
    ARCHIVE = "archive", "归档"


class Job(Own, Record):
    """导入、导出、批量办理任务: one piece of long work of one account, as one post. Files are named by keys of the file store."""

    __tablename__ = "job"
    __screen__ = Screen(
        "导出管理",
        menu="基本管理",
        icon="download",
        list=("title", "kind", "state", "done", "total", "created_at", "finished_at"),
        facets=("kind", "state"),
        acts=("read",),
        history=False,
        unit="个任务",
        rank=15,
        empty="还没有导入、导出、批量办理和归档任务。",
    )

    title: Mapped[Name] = field("任务", readonly=True)
    kind: Mapped[JobKind] = choice(JobKind, "类型", readonly=True)
    state: Mapped[JobState] = choice(JobState, "状态", readonly=True, default=JobState.WAITING)
    done: Mapped[int] = field("已处理", Integer, readonly=True, default=0)
    total: Mapped[int] = field("总数", Integer, readonly=True, default=0)
    message: Mapped[str] = field("说明", String(500), readonly=True, default="")
    details: Mapped[Json] = field("参数", readonly=True, hidden=True, default=dict)
    result: Mapped[Json] = field("结果", readonly=True, hidden=True, default=dict)
    file_key: Mapped[str | None] = field("结果文件", String(200), readonly=True, hidden=True)
    file_name: Mapped[str | None] = field("文件名", String(200), readonly=True, hidden=True)
    source_key: Mapped[str | None] = field("上传文件", String(200), readonly=True, hidden=True)
    post_id: Mapped[int | None] = field("岗位", Integer, readonly=True, hidden=True)
    beat_at: Mapped[Moment | None] = field("心跳", readonly=True, hidden=True)
    finished_at: Mapped[Moment | None] = field("完成时间", readonly=True)


class BulkOutcome(Choice):
    DONE = "done", "已办理", "green"
    REFUSED = "refused", "未办理", "red"
    SKIPPED = "skipped", "已跳过", "yellow"


class BulkRecord(Internal, Base):
    """One record that a bulk act was confirmed for, and what became of it: written together with the act itself.

    So a record is done once, however often its worker dies, and what is open is what is left to do. It names no person: who may
    see the record reads it there.
    """

    __tablename__ = "bulk_record"
    __screen__ = None
    __table_args__ = (Index("ix_bulk_record_job_id_outcome_id", "job_id", "outcome", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    row_id: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[BulkOutcome | None] = choice(BulkOutcome, "结果")
    """Empty while it is still to be done."""
    reason: Mapped[str] = mapped_column(String(500), default="")
    """The sentence why not, in the language of who asked."""
