"""A file is what its content says, and is called something that is safe to show."""

from __future__ import annotations

from io import BytesIO

import pytest

from models.files import FileKind
from rules.errors import RuleViolation
from rules.file_types import FORMATS, check_content, clean_name, ending_of
from tests import samples

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
TRUE = {
    "教案.pdf": samples.pdf(),
    "教案.PDF": samples.pdf(),
    "设计.docx": samples.docx(),
    "旧稿.doc": OLE,
    "成绩.xlsx": samples.zipped(**{"[Content_Types].xml": b"x", "xl__workbook.xml": b"x"}),
    "课件.pptx": samples.zipped(**{"[Content_Types].xml": b"x", "ppt__presentation.xml": b"x"}),
    "文.odt": samples.zipped(mimetype=b"application/vnd.oasis.opendocument.text"),
    "照片.png": samples.png(),
    "照片.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1" + b"\0" * 40,
    "手机.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "课堂.mp4": samples.MP4,
    "相机.mp4": b"\0\0\0\x1cftypXAVC\0\0\0\0XAVCmp42iso2",
    "老相机.mov": b"\0\0\0\x08wide\0\0\x10\0mdat",
    "课堂.mov": b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
    "课堂.webm": b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm",
    "课堂.avi": b"RIFF\x10\0\0\0AVI LIST",
    "课堂.wmv": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\0" * 40,
    "录音.mp3": b"ID3\x03\0" + b"\0" * 40,
    "无标签.mp3": b"\xff\xfb\x90\x64" + b"\0" * 100,
    "低码率.mp3": b"\xff\xf3\x84\xc4" + b"\0" * 100,
    "录音.m4a": b"\0\0\0\x18ftypM4A \0\0\0\0",
    "录音.wav": b"RIFF\x10\0\0\0WAVEfmt ",
    "说明.txt": "你好，老师".encode(),
    "旧文.txt": "你好，老师".encode("gb18030"),
    "记事.txt": "你好，老师".encode("utf-16"),
    "页面.html": samples.HTML,
    "图.svg": samples.SVG,
    "全部.zip": samples.zipped(a=b"x"),
    "全部.rar": b"Rar!\x1a\x07\x01\0" + b"\0" * 20,
}
FALSE = {
    "程序改名.pdf": samples.PROGRAM,
    "程序改名.txt": samples.PROGRAM,
    "程序改名.docx": samples.PROGRAM,
    "网页改名.png": samples.HTML,
    "压缩改名.docx": samples.zipped(a=b"x"),
    "文档改名.zip": samples.docx(),
    "图片改名.mp4": samples.png(),
    "宏.docx": samples.docx(**{"word__vbaProject.bin": b"x"}),
    "坏的.docx": b"PK\3\4" + b"\0" * 100,
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_file_is_taken(name: str) -> None:
    assert check_content(name, BytesIO(TRUE[name])) is FORMATS[ending_of(name)]


@pytest.mark.parametrize("name", FALSE)
def test_content_that_is_not_what_the_name_says_is_refused_with_the_ending(name: str) -> None:
    with pytest.raises(RuleViolation, match="的内容与名称的"):
        check_content(name, BytesIO(FALSE[name]))


@pytest.mark.parametrize("name", ["安装.exe", "脚本.js", "脚本.bat", "宏.docm", "没有结尾", "库.dll", "包.jar", ".pdf"])
def test_programs_and_the_unknown_are_refused_by_name(name: str) -> None:
    with pytest.raises(RuleViolation, match="类型不支持"):
        check_content(name, BytesIO(samples.pdf()))


def test_an_empty_file_is_told_from_a_wrong_one() -> None:
    with pytest.raises(RuleViolation, match="空文件"):
        check_content("空.pdf", BytesIO())


def test_html_and_svg_are_text_and_never_shown_as_what_they_are() -> None:
    assert {FORMATS[ending].kind for ending in (".html", ".htm", ".svg", ".xml")} == {FileKind.TEXT}
    assert {FORMATS[ending].shown for ending in (".html", ".htm", ".svg", ".xml")} == {"text"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("课件（终稿） v2.pptx", "课件（终稿） v2.pptx"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\教案\\第一课.docx", "第一课.docx"),
        ("a\0b\r\nc\x7f.txt", "abc.txt"),
        ("教案\u202efdp.exe", "教案fdp.exe"),
        ("a\u200b\ufeff.pdf", "a.pdf"),
        ('a<b>"c|d?.pdf', "a_b__c_d_.pdf"),
        (" .. .pdf", "pdf"),
        ("", "未命名"),
        ("课" * 300 + ".docx", "课" * 115 + ".docx"),
    ],
)
def test_a_name_is_made_safe(given: str, kept: str) -> None:
    assert clean_name(given) == kept
