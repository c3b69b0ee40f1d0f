"""The regions of the demonstration: 福建省 and 内蒙古自治区 with their cities and counties (GB/T 2260, as they stand in 2024).

The full-time teachers of 福建省, its cities and 莆田市's counties are the counts behind the rates of the published training tables
(S3-82). 功能区 are no administrative divisions: they have not reported a count, which is why their rates print 0.00% (S3-92).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from models.org import Region, RegionKind, RegionLevel
from models.scoping import ROOT
from rules.demo.writer import Writer

# Province: code, name, full-time teachers. City: the same, then its counties. A star marks a 功能区.
FUJIAN = """
350000 福建省 445047
350100 福州市 77803: 350102 鼓楼区, 350103 台江区, 350104 仓山区, 350105 马尾区, 350111 晋安区, 350112 长乐区, 350121 闽侯县,
    350122 连江县, 350123 罗源县, 350124 闽清县, 350125 永泰县, 350181 福清市
350200 厦门市 47757: 350203 思明区, 350205 海沧区, 350206 湖里区, 350211 集美区, 350212 同安区, 350213 翔安区
350300 莆田市 37033: 350302 城厢区 6261, 350303 涵江区 5111, 350304 荔城区 7593, 350305 秀屿区 6858, 350322 仙游县 11120, 350391 湄洲岛*,
    350392 北岸经济开发区*
350400 三明市 30750: 350404 三元区, 350405 沙县区, 350421 明溪县, 350423 清流县, 350424 宁化县, 350425 大田县, 350426 尤溪县,
    350428 将乐县, 350429 泰宁县, 350430 建宁县, 350481 永安市
350500 泉州市 92794: 350502 鲤城区, 350503 丰泽区, 350504 洛江区, 350505 泉港区, 350521 惠安县, 350524 安溪县, 350525 永春县,
    350526 德化县, 350581 石狮市, 350582 晋江市, 350583 南安市
350600 漳州市 57148: 350602 芗城区, 350603 龙文区, 350604 龙海区, 350605 长泰区, 350622 云霄县, 350623 漳浦县, 350624 诏安县,
    350626 东山县, 350627 南靖县, 350628 平和县, 350629 华安县
350700 南平市 30461: 350702 延平区, 350703 建阳区, 350721 顺昌县, 350722 浦城县, 350723 光泽县, 350724 松溪县, 350725 政和县,
    350781 邵武市, 350782 武夷山市, 350783 建瓯市
350800 龙岩市 35560: 350802 新罗区, 350803 永定区, 350821 长汀县, 350823 上杭县, 350824 武平县, 350825 连城县, 350881 漳平市
350900 宁德市 56931: 350902 蕉城区, 350921 霞浦县, 350922 古田县, 350923 屏南县, 350924 寿宁县, 350925 周宁县, 350926 柘荣县,
    350981 福安市, 350982 福鼎市
350128 平潭综合实验区* 4757:
"""

INNER_MONGOLIA = """
150000 内蒙古自治区 281960
150100 呼和浩特市 31480: 150102 新城区, 150103 回民区, 150104 玉泉区, 150105 赛罕区, 150121 土默特左旗, 150122 托克托县,
    150123 和林格尔县, 150124 清水河县, 150125 武川县
150200 包头市 25200: 150202 东河区, 150203 昆都仑区, 150204 青山区, 150205 石拐区, 150206 白云鄂博矿区, 150207 九原区, 150221 土默特右旗,
    150222 固阳县, 150223 达尔罕茂明安联合旗, 150271 包头稀土高新技术产业开发区*
150300 乌海市 5630: 150302 海勃湾区, 150303 海南区, 150304 乌达区
150400 赤峰市 52900: 150402 红山区, 150403 元宝山区, 150404 松山区, 150421 阿鲁科尔沁旗, 150422 巴林左旗, 150423 巴林右旗, 150424 林西县,
    150425 克什克腾旗, 150426 翁牛特旗, 150428 喀喇沁旗, 150429 宁城县, 150430 敖汉旗
150500 通辽市 37400: 150502 科尔沁区, 150521 科尔沁左翼中旗, 150522 科尔沁左翼后旗, 150523 开鲁县, 150524 库伦旗, 150525 奈曼旗,
    150526 扎鲁特旗, 150581 霍林郭勒市, 150571 通辽经济技术开发区*
150600 鄂尔多斯市 28300: 150602 东胜区, 150603 康巴什区, 150621 达拉特旗, 150622 准格尔旗, 150623 鄂托克前旗, 150624 鄂托克旗,
    150625 杭锦旗, 150626 乌审旗, 150627 伊金霍洛旗
150700 呼伦贝尔市 27800: 150702 海拉尔区, 150703 扎赉诺尔区, 150721 阿荣旗, 150722 莫力达瓦达斡尔族自治旗, 150723 鄂伦春自治旗,
    150724 鄂温克族自治旗, 150725 陈巴尔虎旗, 150726 新巴尔虎左旗, 150727 新巴尔虎右旗, 150781 满洲里市, 150782 牙克石市,
    150783 扎兰屯市, 150784 额尔古纳市, 150785 根河市
150800 巴彦淖尔市 17900: 150802 临河区, 150821 五原县, 150822 磴口县, 150823 乌拉特前旗, 150824 乌拉特中旗, 150825 乌拉特后旗,
    150826 杭锦后旗
150900 乌兰察布市 22100: 150902 集宁区, 150921 卓资县, 150922 化德县, 150923 商都县, 150924 兴和县, 150925 凉城县, 150926 察哈尔右翼前旗,
    150927 察哈尔右翼中旗, 150928 察哈尔右翼后旗, 150929 四子王旗, 150981 丰镇市
152200 兴安盟 20600: 152201 乌兰浩特市, 152202 阿尔山市, 152221 科尔沁右翼前旗, 152222 科尔沁右翼中旗, 152223 扎赉特旗, 152224 突泉县
152500 锡林郭勒盟 11200: 152501 二连浩特市, 152502 锡林浩特市, 152522 阿巴嘎旗, 152523 苏尼特左旗, 152524 苏尼特右旗,
    152525 东乌珠穆沁旗, 152526 西乌珠穆沁旗, 152527 太仆寺旗, 152528 镶黄旗, 152529 正镶白旗, 152530 正蓝旗, 152531 多伦县,
    152571 乌拉盖管理区*
152900 阿拉善盟 2900: 152921 阿拉善左旗, 152922 阿拉善右旗, 152923 额济纳旗, 152971 阿拉善高新技术产业开发区*
"""


@dataclass(frozen=True)
class Place:
    """A region of the demonstration, as it is written above and then as a row."""

    id: int
    code: str
    name: str
    level: RegionLevel
    kind: RegionKind
    parent_id: int | None
    path: str
    teachers: int | None


def add_regions(writer: Writer, text: str) -> dict[str, Place]:
    """Write a province with everything in it; code → place, from the top down."""
    lines = list(_lines(text))
    counties = Counter(above for _, level, above in lines if level is RegionLevel.COUNTY)
    ids = writer.reserve(Region, len(lines))
    places: dict[str, Place] = {}
    for place_id, (entry, level, above) in zip(ids, lines, strict=True):
        code, name, *count = entry.split()
        parent = places.get(above)
        place = Place(
            id=place_id,
            code=code,
            name=name.removesuffix("*"),
            level=level,
            kind=RegionKind.SPECIAL if name.endswith("*") else RegionKind.ADMINISTRATIVE,
            parent_id=parent.id if parent else None,
            path=f"{parent.path if parent else ROOT}{code}/",
            teachers=int(count[0]) if count else None if name.endswith("*") else _share(parent, code, counties[above]),
        )
        places[code] = place
        _add_region(writer, place)
    return places


def _share(city: Place | None, code: str, counties: int) -> int | None:
    """About the county's part of what its city reports; no city is the sum of its counties in the published tables either."""
    return city.teachers * (70 + int(code) * 7 % 61) // (100 * counties) if city and city.teachers else None


def _add_region(writer: Writer, place: Place) -> None:
    writer.add(
        Region,
        id=place.id,
        code=place.code,
        name=place.name,
        level=place.level,
        kind=place.kind,
        parent_id=place.parent_id,
        scope_path=place.path,
        teacher_count=place.teachers,
        teacher_count_on=writer.now.date() if place.teachers else None,
    )


def _lines(text: str) -> Iterator[tuple[str, RegionLevel, str]]:
    """(entry, level, code of the region above), from the top down."""
    province, *cities = text.replace(",\n", ",").strip().splitlines()
    yield province, RegionLevel.PROVINCE, ""
    for city in cities:
        entry, _, counties = city.partition(":")
        yield entry, RegionLevel.CITY, province.split()[0]
        yield from ((county, RegionLevel.COUNTY, entry.split()[0]) for county in counties.split(",") if county.strip())
