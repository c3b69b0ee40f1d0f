"""The schools of the demonstration: some by name in 福建省, and ordinary ones counted up for wherever many are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.org import AreaType, School, SchoolKind
from rules.demo.regions import Place
from rules.demo.writer import Writer

# Region's code, name, 机构类型, 学段 and 城乡类型. A dash: not filled in yet, so whoever comes to administer it is asked first (S3-111).
FUJIAN = """
350000 福建省普通教育教学研究室 教研机构 通用学段 城区
350000 福建省电化教育馆 电教机构 通用学段 城区
350000 福建教育学院 进修院校 通用学段 城区
350000 福建师范大学附属中学 学校 初中、高中 城区
350000 福建省实验幼儿园 学校 幼儿园 城区
350100 福州市教育研究院 教研机构 通用学段 城区
350100 福州第三中学 学校 高中 城区
350102 福州第一中学 学校 高中 城区
350102 鼓楼第一中心小学 学校 小学 城区
350102 鼓楼区钱塘小学 学校 小学 -
350102 鼓楼区教师进修学校 进修院校 通用学段 城区
350200 厦门市教育科学研究院 教研机构 通用学段 城区
350200 厦门第一中学 学校 初中、高中 城区
350200 厦门市特殊教育学校 学校 特教 城区
350203 思明区实验小学 学校 小学 城区
350203 思明区莲前小学 学校 小学 城区
350203 厦门市莲花中学 学校 初中、高中 -
350203 思明区教师进修学校 进修院校 通用学段 城区
350206 湖里区实验小学 学校 小学 城区
350206 湖里中学 学校 初中 城区
350206 湖里区实验幼儿园 学校 幼儿园 -
350300 莆田市教育局教学研究室 教研机构 通用学段 城区
350300 莆田第一中学 学校 初中、高中 城区
350302 城厢区霞林学校 学校 小学、初中 城区
350303 涵江实验小学 学校 小学 城区
350304 荔城区麟峰小学 学校 小学 城区
350304 莆田第八中学 学校 初中、高中 镇区
350305 秀屿区实验中学 学校 初中 镇区
350322 仙游第一中学 学校 初中、高中 城区
350322 仙游县实验小学 学校 小学 城区
350322 仙游县榜头中心小学 学校 小学 镇区
350322 仙游县游洋中学 学校 初中 乡村
350322 仙游县教师进修学校 进修院校 通用学段 城区
350391 湄洲第一中心小学 学校 小学 镇区
350392 北岸经济开发区山亭中心小学 学校 小学 乡村
350400 三明第一中学 学校 高中 城区
350400 三明市教育科学研究所 教研机构 通用学段 城区
350424 央馆六县第一中学 学校 初中 镇区
350424 宁化第一中学 学校 高中 城区
350424 宁化县实验小学 学校 小学 -
350424 宁化县城东幼儿园 学校 幼儿园 -
350424 宁化县石壁中心学校 学校 小学、初中 -
350424 宁化县安远中心学校 学校 小学、初中 乡村
350424 宁化县特殊教育学校 学校 特教 城区
350424 宁化县教师进修学校 进修院校 通用学段 城区
350481 永安第三中学 学校 高中 城区
350502 泉州第五中学 学校 高中 城区
350602 漳州第一中学 学校 高中 城区
350702 南平实验小学 学校 小学 城区
350802 龙岩第一中学 学校 高中 城区
350902 宁德第一中学 学校 高中 城区
350128 平潭城关小学 学校 小学 城区
"""

# Of ten schools of a county: as the stages of the country's schools are spread.
ORDINARY = ("小学", "幼儿园", "初级中学", "小学", "幼儿园", "小学", "九年一贯制学校", "小学", "幼儿园", "高级中学")
STAGES_OF = {"小学": ("小学",), "幼儿园": ("幼儿园",), "初级中学": ("初中",), "九年一贯制学校": ("小学", "初中"), "高级中学": ("高中",)}
AREAS = (AreaType.TOWN, AreaType.URBAN, AreaType.RURAL, AreaType.TOWN, AreaType.RURAL)

DIGITS = "零一二三四五六七八九"
KINDS = {kind.label: kind for kind in SchoolKind}
AREA_TYPES = {area.label: area for area in AreaType}


@dataclass(frozen=True)
class Planned:
    """A school to be written: what is told of it beside its region and number."""

    name: str
    stages: tuple[str, ...]
    kind: SchoolKind = SchoolKind.SCHOOL
    area_type: AreaType | None = None


@dataclass(frozen=True)
class Settled:
    """A school that has been written."""

    id: int
    code: str
    name: str
    region: Place
    path: str
    stages: tuple[str, ...]
    is_administered: bool
    """Whoever administers a school has said first in what area it lies."""


@dataclass
class Schools:
    """Writes schools; numbers them within their region."""

    writer: Writer
    stage_ids: Mapping[str, int]
    """Name of the stage → its id."""
    _last: Counter[str] = field(default_factory=Counter)

    def add(self, school_id: int, region: Place, planned: Planned, serial: str = "") -> Settled:
        """Write a school of ``region``; its code is the region's and ``serial``, or the next number of four digits."""
        self._last[region.code] += 1
        code = region.code + (serial or f"{self._last[region.code]:04d}")
        path = f"{region.path}s{school_id}/"
        self.writer.add(
            School,
            id=school_id,
            code=code,
            name=planned.name,
            region_id=region.id,
            kind=planned.kind,
            area_type=planned.area_type,
            scope_path=path,
        )
        self.writer.add_stages(school_id, (self.stage_ids[stage] for stage in planned.stages))
        return Settled(school_id, code, planned.name, region, path, planned.stages, planned.area_type is not None)


def add_named_schools(schools: Schools, places: Mapping[str, Place]) -> list[Settled]:
    """Write the schools of the list above."""
    lines = [line.split() for line in FUJIAN.strip().splitlines()]
    ids = schools.writer.reserve(School, len(lines))
    return [
        schools.add(school_id, places[region], Planned(name, tuple(stages.split("、")), KINDS[kind], AREA_TYPES.get(area)))
        for school_id, (region, name, kind, stages, area) in zip(ids, lines, strict=True)
    ]


def ordinary_school(region_name: str, number: int) -> Planned:
    """The n-th ordinary school of a region, from 0: 宁化县第三小学."""
    tens, place = divmod(number, len(ORDINARY))
    kind = ORDINARY[place]
    nth = tens * ORDINARY.count(kind) + ORDINARY[: place + 1].count(kind)
    return Planned(f"{region_name}第{numeral(nth)}{kind}", STAGES_OF[kind], area_type=AREAS[number % len(AREAS)])


def numeral(number: int) -> str:
    """A number from 1 to 9999 as it is written in a school's name: 12 is 十二, 120 一百二十."""
    text = ""
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += DIGITS[digit] + word
        elif text and number % unit:
            text += DIGITS[0]
    return text.replace("零零", "零").removeprefix("一") if 10 <= number < 20 else text.replace("零零", "零")
