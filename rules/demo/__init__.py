"""The demonstration: a platform with people, schools and figures in it, loaded in seconds, and a million teachers on request.

The one thing a newcomer gets wrong: it is meant for an empty database. What is there already is never changed, and a second run
finds its work done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import DDL, func, select
from sqlalchemy.orm import Session, sessionmaker

from models.org import Region
from models.scoping import SYSTEM, acting_as
from models.session import PlatformSession, transaction
from rules.demo.accounts import ADMINISTERED, DEMO_ACCOUNTS, PASSWORD, DemoAccount, add_administrators, add_demo_accounts
from rules.demo.activity import add_activity
from rules.demo.inner_mongolia import add_inner_mongolia
from rules.demo.notices import add_demo_notices
from rules.demo.papers import add_papers
from rules.demo.regions import FUJIAN, INNER_MONGOLIA, add_regions
from rules.demo.research import add_research
from rules.demo.scale import add_many_teachers
from rules.demo.schools import Schools, add_named_schools
from rules.demo.service import add_questions, add_service_requests
from rules.demo.staff import read_references
from rules.demo.teachers import add_demo_teachers
from rules.demo.writer import Writer
from rules.files_store import FileStore
from rules.unit_invariants import add_placeholders

__all__ = ["DEMO_ACCOUNTS", "PASSWORD", "DemoAccount", "load_demo"]

FIRST_ADMINISTRATOR = 101


def load_demo(
    session_factory: sessionmaker[PlatformSession],
    *,
    teachers: int = 0,
    now: datetime,
    progress: Callable[[str], None],
    files: FileStore | None = None,
) -> None:
    """Load the demonstration where it is missing, then fill 福建省 up with ``teachers`` more; needs the roles and reference data."""
    with acting_as(SYSTEM), session_factory() as session, transaction(session):
        is_new = session.scalar(select(func.count()).select_from(Region)) == 0
        if is_new:
            _load(session, now, progress)
        else:
            progress("演示数据已经装入，或数据库里已有区域，未作改动。")
    if is_new:
        with session_factory() as session:
            add_activity(session, now=now)
        progress("页面浏览和账号统计已经生成")
        with session_factory() as session:
            add_research(session, now=now, files=files)
        progress("校本研修：两所学校正在开展，一所学校刚刚开始")
        with session_factory() as session:
            add_papers(session, now=now, files=files)
    added = add_many_teachers(session_factory, teachers, now=now, progress=progress) if teachers else 0
    if is_new or added:
        with acting_as(SYSTEM), session_factory() as session, transaction(session):
            # Planners guess at tables that grew by a million rows since they last looked.
            session.connection().execute(DDL("ANALYZE"))  # type: ignore[no-untyped-call]


def _load(session: Session, now: datetime, progress: Callable[[str], None]) -> None:
    writer, references = Writer(session, now), read_references(session)
    fujian, inner_mongolia = add_regions(writer, FUJIAN), add_regions(writer, INNER_MONGOLIA)
    schools = Schools(writer, references.stages)
    named = add_named_schools(schools, fujian)
    progress(f"福建省：{len(fujian)}个区域，{len(named)}所学校（机构）")
    add_demo_teachers(writer, references, named)
    add_demo_accounts(writer, fujian | inner_mongolia, named)
    administered = [school for school in named if school.is_administered and school.name not in ADMINISTERED]
    add_administrators(writer, administered, FIRST_ADMINISTRATOR)
    add_inner_mongolia(schools, inner_mongolia)
    writer.flush()
    add_service_requests(writer, fujian, named)
    add_questions(writer, fujian, named)
    writer.flush()
    add_demo_notices(session, writer.now)
    add_placeholders(session, [place.id for place in (*fujian.values(), *inner_mongolia.values())])
    progress("内蒙古自治区：学校激活进度与操作手册一致")
