"""Invented people: names one meets in a staff room, valid identity numbers and mobile numbers, none of them anybody's.

Everything is counted, not drawn: the n-th number is always the same and never given twice, so that a million people need no memory
of who is already there. Names alone are drawn, from a generator the caller seeds.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from rules.id_numbers import make_resident_id

# The most frequent ones stand more than once.
SURNAMES = (
    "王王王王王王李李李李李李张张张张张刘刘刘刘陈陈陈陈陈陈陈林林林林林林林黄黄黄黄黄杨杨杨吴吴吴吴郑郑郑郑赵赵周周周徐徐孙马朱朱胡胡"
    "郭郭郭何何高高罗罗梁宋宋唐许许许邓冯韩曹曾曾彭肖肖蔡蔡蔡潘潘田董袁于余余叶叶叶蒋杜苏苏苏魏程程吕丁沈任姚卢卢傅钟钟姜崔谭廖廖范汪"
    "陆金石戴贾韦夏邱邱方方侯邹熊孟秦白江江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严赖赖洪洪庄庄"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文海燕春雪婷宇浩然欣怡梓涵子轩雨晨佳颖思琪嘉慧鹏飞俊峰振东晓峰立新"
    "永康美玲淑珍秋菊惠民振华丹青若水星辰云帆锦程清扬书瑶诗涵雅静梦洁芷若凌波远航安宁和平瑞祥福生金凤银花彩虹长江少华小龙亚男亦凡乐天"
    "可心"
)
EARLIEST_BIRTH = date(1965, 1, 1)
BIRTH_DAYS = 12_000
"""Born between 1965 and 1997."""
# Without a common factor with BIRTH_DAYS: neighbours in a school are not born on neighbouring days.
BIRTH_STRIDE = 4_801
SERIALS = 900

PHONE_PREFIXES = ("130", "131", "135", "136", "137", "138", "139", "150", "151", "158", "159", "177", "180", "186", "188", "189", "198")
PHONES = 100_000_000
PHONE_STRIDE = 61_803_399


def person_name(random: Random) -> str:
    """A surname and one or, more often, two characters."""
    given = "".join(random.sample(GIVEN, 2 if random.random() < 0.8 else 1))
    return random.choice(SURNAMES) + given


def id_number(area6: str, n: int) -> str:
    """The n-th resident number of an area, up to ten million in each."""
    serial, day = divmod(n, BIRTH_DAYS)
    return make_resident_id(area6, EARLIEST_BIRTH + timedelta(days=day * BIRTH_STRIDE % BIRTH_DAYS), serial % SERIALS)


def phone_number(n: int) -> str:
    """The n-th mobile number of a hundred million."""
    return f"{PHONE_PREFIXES[n % len(PHONE_PREFIXES)]}{n * PHONE_STRIDE % PHONES:08d}"
