"""Small files of every kind, true to their type, and a few that lie."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x08free" * 64
PROGRAM = b"MZ\x90\0\3" + b"\0" * 200
HTML = b"<!doctype html><script>document.title = 'hostile'</script><p>lesson</p>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def wav(seconds: int = 3, rate: int = 8000) -> bytes:
    """A quiet tone."""
    heard = bytes(128 + (8 if n // 20 % 2 else -8) for n in range(seconds * rate))
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate, 1, 8)
    return b"RIFF" + struct.pack("<I", 36 + len(heard)) + b"WAVE" + form + b"data" + struct.pack("<I", len(heard)) + heard


def png(width: int = 2, height: int = 2) -> bytes:
    """A red picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xc0\x20\x20" * width for _row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf(text: str = "Lesson plan") -> bytes:
    """One page with a line of text."""
    drawn = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 6\n0000000000 65535 f \n%btrailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (table, len(out))


def zipped(**entries: bytes) -> bytes:
    """A ZIP of the entries; ``__`` in a name stands for a slash."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def docx(body: str = "<w:p><w:r><w:t>教学设计</w:t></w:r></w:p>", **more: bytes) -> bytes:
    """A Word document with that body."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{kind}/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="evil" Type="{kind}/hyperlink" Target="javascript:alert(1)" TargetMode="External"/></Relationships>'
    )
    document = f'<w:document xmlns:w="{WORD}" xmlns:r="{kind}"><w:body>{body}</w:body></w:document>'
    parts = {"[Content_Types].xml": types, "_rels/.rels": relations, "word/document.xml": document, "word/_rels/document.xml.rels": links}
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in more.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def replaced(archive: bytes, **entries: bytes) -> bytes:
    """The ZIP with these entries in place of those of the same name; ``__`` in a name stands for a slash."""
    with ZipFile(BytesIO(archive)) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as new:
        for name, content in {**kept, **{name.replace("__", "/"): content for name, content in entries.items()}}.items():
            new.writestr(name, content)
    return file.getvalue()


OPEN = "urn:oasis:names:tc:opendocument:xmlns"


def odt(body: str = "") -> bytes:
    """An OpenDocument text with a line and whatever is given after it."""
    spaces = {"office": f"{OPEN}:office:1.0", "text": f"{OPEN}:text:1.0", "draw": f"{OPEN}:drawing:1.0"}
    spaces |= {"svg": f"{OPEN}:svg-compatible:1.0", "xlink": "http://www.w3.org/1999/xlink"}
    names = " ".join(f'xmlns:{short}="{name}"' for short, name in spaces.items())
    content = f"<office:body><office:text><text:p>教学设计</text:p>{body}</office:text></office:body>"
    kind = "application/vnd.oasis.opendocument.text"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    entries = entry.format("/", kind) + entry.format("content.xml", "text/xml")
    return zipped(
        mimetype=kind.encode(),
        **{
            "META-INF__manifest.xml": f'<manifest:manifest xmlns:manifest="{OPEN}:manifest:1.0">{entries}</manifest:manifest>'.encode(),
            "content.xml": f'<office:document-content {names} office:version="1.2">{content}</office:document-content>'.encode(),
        },
    )


def linked_picture(address: str) -> str:
    """For ``odt``: a picture that is not in the document."""
    image = f'<draw:image xlink:href="{address}" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
    return f'<text:p><draw:frame svg:width="5cm" svg:height="5cm">{image}</draw:frame></text:p>'
