"""The lists a platform starts with: kinds of identity document, titles, stages and subjects (S3-109, S3-110, S3-116, S3-120).

They are rows, so an installation adds its own and switches others off on the console. The one thing a newcomer gets wrong: a
row that is already there is never written over, whatever this file says of it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from models.base import Base
from models.org import Stage
from models.people import IdType, Subject, Title
from models.scoping import SYSTEM, acting_as
from models.session import insert_or, transaction

# The codes are those of rules.id_numbers, which checks the numbers.
ID_TYPES = (
    ("resident", "居民身份证"),
    ("passport", "护照"),
    ("hkmo", "港澳居民来往内地通行证"),
    ("taiwan", "台湾居民来往大陆通行证"),
    ("foreigner", "外国人永久居留身份证"),
)

TITLES = (
    ("full_senior", "正高级教师"),
    ("senior", "高级教师"),
    ("first", "一级教师"),
    ("second", "二级教师"),
    ("third", "三级教师"),
    ("unrated", "未定级"),
)

STAGES = (
    ("kindergarten", "幼儿园"),
    ("primary", "小学"),
    ("junior", "初中"),
    ("senior", "高中"),
    ("special", "特教"),
    ("general", "通用学段"),
)

SUBJECTS = (
    ("preschool", "学前教育"),
    ("chinese", "语文"),
    ("mathematics", "数学"),
    ("english", "英语"),
    ("japanese", "日语"),
    ("russian", "俄语"),
    ("morality_law", "道德与法治"),
    ("politics", "思想政治"),
    ("history", "历史"),
    ("history_society", "历史与社会"),
    ("geography", "地理"),
    ("science", "科学"),
    ("physics", "物理"),
    ("chemistry", "化学"),
    ("biology", "生物学"),
    ("information", "信息科技"),
    ("technology", "通用技术"),
    ("labour", "劳动"),
    ("practice", "综合实践活动"),
    ("sports", "体育与健康"),
    ("music", "音乐"),
    ("art", "美术"),
    ("arts", "艺术"),
    ("calligraphy", "书法"),
    ("mental_health", "心理健康教育"),
    ("safety", "安全教育"),
    ("special_education", "特殊教育"),
    ("local", "地方与校本课程"),
    ("other", "其他"),
)

REFERENCE_ROWS: dict[type[Base], tuple[tuple[str, str], ...]] = {
    IdType: ID_TYPES,
    Title: TITLES,
    Stage: STAGES,
    Subject: SUBJECTS,
}


def ensure_reference_data(session: Session) -> None:
    """Add the rows that are missing; any number of processes may do so at once."""
    with acting_as(SYSTEM), transaction(session):
        for model, names in REFERENCE_ROWS.items():
            rows = [{"code": code, "name": name, "rank": rank} for rank, (code, name) in enumerate(names, start=1)]
            # Without a target: a row an installation added under the same name stands in the way as much as the code.
            session.execute(insert_or(session, model.__table__).on_conflict_do_nothing(), rows)
