"""What is told of the schools whose research the demonstration shows half-way: who does what there, as plain data.

The one thing a newcomer gets wrong: people are told by name and have to stand in ``teachers`` as certified teachers of that school.
Hours are not told: they come of what everybody took part in.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.activities import OfflineForm
from models.outcomes import SummaryState
from rules.demo.teachers import COUNTY_SCHOOL, LARGE_SCHOOL

PASSED, WAITING, FAILED = SummaryState.PASSED, SummaryState.SUBMITTED, SummaryState.FAILED


@dataclass(frozen=True)
class Meeting:
    """An offline activity that was held, and who was there."""

    title: str
    form: OfflineForm
    hours: Decimal
    days_ago: int
    there: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """A school in the middle of a programme."""

    school: str
    stage: str
    theme: str
    about: str
    leader: str
    members: tuple[str, ...]
    """Of the leader's group, with the first of the team and others of the school."""
    team: tuple[str, str]
    """The second leads the other group and reviews."""
    groups: tuple[tuple[str, str], tuple[str, str]]
    """Name and subject of both."""
    topic: tuple[str, str]
    """Title and what it is about."""
    draft: str
    """The title of a topic only its leader and the school see."""
    talk: str
    said: tuple[tuple[str, str], ...]
    """Who said what there, in order; the third remark answers the first."""
    homework: str
    homework_by: tuple[str, ...]
    lesson: str
    watched_by: tuple[str, ...]
    meetings: tuple[Meeting, ...]
    upcoming: str
    """A discussion that waits for everybody."""
    summaries: tuple[tuple[str, SummaryState], ...]
    """Who has handed in their improvement plan, and how the review of their summary ended."""
    case: str
    outcome: tuple[str, str]
    """Title and what it is about."""
    opinion: str
    """What the team said of the outcome; empty while it waits."""
    points: tuple[int, ...]
    """What the team gave the school for the first lines of the scale."""
    leaving: tuple[str, str] | None = None
    """Whom the school asks to take out of its research, and why."""


CITY = Story(
    school=LARGE_SCHOOL,
    stage="高中",
    theme="信息技术支持的读写教学",
    about="围绕“技术支持的课堂讲授”和“学习小组组织与管理”，以课例研究为载体，提升课堂应用能力。",
    leader="周敏",
    members=("吴芳", "郑凯"),
    team=("何斌", "许静"),
    groups=(("语文教研组", "语文"), ("数学教研组", "数学")),
    topic=("技术支持的课堂讲授", "从导入、讲授到总结，研究技术如何服务于理解。"),
    draft="学习小组的组织与管理",
    talk="情境导入怎样更自然",
    said=(
        ("吴芳", "导入环节用短视频创设情境，学生兴趣很高，建议再压缩半分钟。"),
        ("郑凯", "小组讨论的任务单设计得很清楚，可以把评价量规提前发给学生。"),
        ("周敏", "同意，量规提前发以后学生互评更有依据。"),
        ("何斌", "建议课后把学生作品放到班级空间，便于后续展示交流。"),
    ),
    homework="一节信息化课例的教学反思",
    homework_by=("周敏", "吴芳", "郑凯"),
    lesson="听评课：《雷雨》第一课时",
    watched_by=("吴芳", "郑凯"),
    meetings=(Meeting("集中备课：整本书阅读单元", OfflineForm.PREPARATION, Decimal(6), 28, ("周敏", "吴芳", "郑凯")),),
    upcoming="如何评价学生的数字作品",
    summaries=(("周敏", PASSED), ("吴芳", WAITING), ("郑凯", WAITING), ("何斌", FAILED)),
    case="《雷雨》整本书阅读课例",
    outcome=("情境导入微视频资源包", "全组老师制作的十二个导入微视频及使用说明。"),
    opinion="",
    points=(18, 14, 21, 22),
)

# 邱月华 earns more than the cap, 罗国栋 just the target, the others less (S1-46…48).
COUNTY = Story(
    school=COUNTY_SCHOOL,
    stage="高中",
    theme="数据支持的实验教学",
    about="以“技术支持的实验演示”和“数据支持的学情分析”为重点，把每次实验的数据用到下一节课。",
    leader="罗国栋",
    members=("邱月华", "曾小龙", "谢安宁"),
    team=("张文辉", "雷素琴"),
    groups=(("物理教研组", "物理"), ("英语教研组", "英语")),
    topic=("技术支持的实验演示", "用传感器和慢动作视频，让看不清的过程看得清。"),
    draft="数据支持的学情分析",
    talk="传感器数据怎样进课堂",
    said=(
        ("邱月华", "自由落体用手机慢动作拍摄，再逐帧读数，学生看得很清楚。"),
        ("曾小龙", "力传感器的曲线可以先让学生预测，再投屏对比。"),
        ("罗国栋", "逐帧读数的误差正好作为讨论的问题。"),
        ("张文辉", "投屏软件已经装到各实验室，使用说明放在校内空间。"),
        ("谢安宁", "建议把数据表留给学生课后作图。"),
    ),
    homework="一次数字化实验的教学反思",
    homework_by=("罗国栋", "邱月华", "曾小龙"),
    lesson="听评课：牛顿第二定律实验课",
    watched_by=("邱月华", "曾小龙"),
    meetings=(
        Meeting("集中备课：运动与力单元", OfflineForm.PREPARATION, Decimal(10), 28, ("罗国栋", "邱月华", "曾小龙")),
        Meeting("县域同课异构现场听评课", OfflineForm.OBSERVATION, Decimal(8), 9, ("罗国栋", "邱月华")),
    ),
    upcoming="怎样评价学生的实验报告",
    summaries=(("邱月华", PASSED), ("曾小龙", WAITING)),
    case="牛顿第二定律数字化实验课例",
    outcome=("高中物理慢动作实验视频集", "二十个演示实验的慢动作视频及课堂提问。"),
    opinion="视频清晰，提问有层次；建议补充拍摄参数，便于其他教师使用。",
    points=(16, 11, 20),
    leaving=("谢安宁", "本学期起调到宁化县石壁中心学校任教。"),
)
