"""Units: the region tree and the schools in it.

Both are read upwards as well (``Published``): a teacher sees the name of their school, county and city. Moving a unit takes
everything below it along and is a service of its own (``rules.units``).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from models.base import Choice, Code, Count, Day, Name, Record, Screen, Sentence, choice, field, link, links
from models.scoping import Published, Shared


class RegionLevel(Choice):
    PROVINCE = "province", "省级"
    CITY = "city", "市级"
    COUNTY = "county", "县级"


class RegionKind(Choice):
    ADMINISTRATIVE = "administrative", "行政区划"
    SPECIAL = "special", "功能区"


class Region(Published, Record):
    """区域: province, city or county, with the number of full-time teachers it reports (S3-22, S3-92)."""

    __tablename__ = "region"
    __owner__ = "parent"
    __segment__ = "{row.code}"
    __screen__ = Screen(
        "区域管理",
        menu="基本管理",
        icon="map-2",
        list=("code", "name", "level", "kind", "parent", "teacher_count", "teacher_count_on"),
        search=("name", "code"),
        facets=("level", "kind"),
        sort=("code", "name", "teacher_count"),
        order="code",
        key=("code",),
        related=("School.region",),
        unit="个区域",
        rank=10,
        empty="还没有下级区域。点击“新增”添加，或从 Excel 导入。",
    )
    __table_args__ = (CheckConstraint("teacher_count >= 0", name="teacher_count"),)

    code: Mapped[Code] = field("区划代码", unique=True, fixed=True, example="350203", help="六位行政区划代码；功能区可用字母和数字。")
    name: Mapped[Name] = field("区域名称", index=True, example="思明区")
    level: Mapped[RegionLevel] = choice(RegionLevel, "级别", fixed=True)
    kind: Mapped[RegionKind] = choice(
        RegionKind, "区域性质", default=RegionKind.ADMINISTRATIVE, help="湄洲岛、经济开发区等非行政区划选“功能区”。"
    )
    parent_id: Mapped[int | None] = link("region", "上级区域", fixed=True, help="省级区域没有上级。")
    teacher_count: Mapped[Count | None] = field("专任教师数", help="由本区域填报，用于计算参训率；缺少时参训率显示 0.00%。")
    teacher_count_on: Mapped[Day | None] = field("填报日期")


class Stage(Shared, Record):
    """学段 (S3-109)."""

    __tablename__ = "stage"
    __screen__ = Screen(
        "学段",
        menu="基础数据",
        icon="stairs",
        list=("code", "name", "rank", "is_active"),
        search=("name",),
        order="rank",
        key=("code",),
        console=True,
        rank=91,
    )

    code: Mapped[Code] = field("代码", unique=True, fixed=True)
    name: Mapped[Name] = field("名称", unique=True)
    rank: Mapped[Count] = field("排序", default=0)
    is_active: Mapped[bool] = field("启用", default=True)


class SchoolKind(Choice):
    SCHOOL = "school", "学校"
    RESEARCH = "research", "教研机构"
    E_EDUCATION = "e_education", "电教机构"
    COLLEGE = "college", "进修院校"
    OTHER = "other", "其他"


class AreaType(Choice):
    URBAN = "urban", "城区"
    TOWN = "town", "镇区"
    RURAL = "rural", "乡村"


class School(Published, Record):
    """学校（机构）: belongs to a region of any level; kind OTHER is the placeholder “其他” of a region (S3-23, S3-131)."""

    __tablename__ = "school"
    __owner__ = "region"
    __segment__ = "s{id}"
    __screen__ = Screen(
        "学校管理",
        menu="基本管理",
        icon="building",
        list=("code", "name", "region", "kind", "area_type", "stages"),
        search=("name", "code"),
        facets=("kind", "area_type"),
        filters=("region",),
        sort=("code", "name"),
        order="scope_path",
        key=("code",),
        extra_acts=("move",),
        related=("Teacher.school",),
        unit="所学校（机构）",
        rank=11,
        empty="还没有学校。点击“新增”添加，或从 Excel 批量导入。",
    )

    code: Mapped[Code] = field("学校代码", unique=True, fixed=True, example="3150001234", help="学校（机构）标识码。")
    name: Mapped[Name] = field("学校名称", index=True, example="实验小学")
    region_id: Mapped[int] = link(Region, "所属区域", fixed=True, help="省、市直属学校选择省或市。")
    kind: Mapped[SchoolKind] = choice(SchoolKind, "机构类型", default=SchoolKind.SCHOOL)
    area_type: Mapped[AreaType | None] = choice(AreaType, "学校所在地城乡类型", help="学校管理员首次进入时必须填写。")
    stages = links(Stage, "学段", table="school_stage")
    address: Mapped[Sentence | None] = field("地址")
    contact_name: Mapped[Name | None] = field("联系人")
    contact_phone: Mapped[Name | None] = field("联系电话")
