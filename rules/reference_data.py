"""The lists a platform starts with: kinds of identity document, titles, stages, subjects (S3-109…120) and ability points (S0-42).

They are rows, so an installation adds its own and switches others off on the console. The one thing a newcomer gets wrong: a
row that is already there is never written over, whatever this file says of it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from models.base import Base
from models.org import Stage
from models.outcomes import AbilityPoint
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

ABILITY_POINTS: tuple[tuple[str, str], ...] = (
    ("A1", "技术支持的学情分析"),
    ("A2", "数字教育资源获取与评价"),
    ("A3", "演示文稿设计与制作"),
    ("A4", "数字教育资源管理"),
    ("A5", "技术支持的课堂导入"),
    ("A6", "技术支持的课堂讲授"),
    ("A7", "技术支持的总结提升"),
    ("A8", "技术支持的方法指导"),
    ("A9", "学生信息道德培养"),
    ("A10", "学生信息安全意识培养"),
    ("A11", "评价量规设计与应用"),
    ("A12", "评价数据的伴随性采集"),
    ("A13", "数据可视化呈现与解读"),
    ("B1", "技术支持的测验与练习"),
    ("B2", "微课程设计与制作"),
    ("B3", "探究型学习活动设计"),
    ("B4", "技术支持的发现与解决问题"),
    ("B5", "学习小组组织与管理"),
    ("B6", "技术支持的展示交流"),
    ("B7", "家校交流与合作"),
    ("B8", "公平管理技术资源"),
    ("B9", "自评与互评活动的组织"),
    ("B10", "档案袋评价"),
    ("C1", "跨学科学习活动设计"),
    ("C2", "创造真实学习情境"),
    ("C3", "创新解决问题的方法"),
    ("C4", "支持学生创造性学习与表达"),
    ("C5", "基于数据的个别化指导"),
    ("C6", "应用数据分析模型"),
    ("C7", "创建数据分析微模型"),
)
"""A: with one screen for all, B: with devices for the pupils, C: in a smart environment."""

REFERENCE_ROWS: dict[type[Base], tuple[tuple[str, str], ...]] = {
    IdType: ID_TYPES,
    Title: TITLES,
    Stage: STAGES,
    Subject: SUBJECTS,
    AbilityPoint: ABILITY_POINTS,
}


def ensure_reference_data(session: Session) -> None:
    """Add the rows that are missing; any number of processes may do so at once."""
    with acting_as(SYSTEM), transaction(session):
        for model, names in REFERENCE_ROWS.items():
            rows = [{"code": code, "name": name, "rank": rank} for rank, (code, name) in enumerate(names, start=1)]
            # Without a target: a row an installation added under the same name stands in the way as much as the code.
            session.execute(insert_or(session, model.__table__).on_conflict_do_nothing(), rows)
