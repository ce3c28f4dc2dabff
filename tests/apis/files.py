"""Files as people upload them: small, real, one of each kind that is taken."""

from __future__ import annotations

import io
import zipfile

_OFFICE = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
_OPEN = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}


def archive(**entries: str) -> bytes:
    """A ZIP archive; two underscores in a name stand for a slash."""
    return zipped({name.replace("__", "/"): text for name, text in entries.items()})


def zipped(entries: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, text in entries.items():
            packed.writestr(name, text)
    return buffer.getvalue()


FILES: dict[str, bytes] = {
    "guide.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
    "notes.txt": "Grüße\n\tan alle\r\n".encode(),
    "notes.md": b"# Notes\n",
    "notes.markdown": b"# Notes\n",
    "codes.csv": b"code,means\n4401,token\n",
    "sample.json": b'{"a": [1, 2]}',
    "asyncapi.yaml": b"asyncapi: 3.0.0\n",
    "asyncapi.yml": b"asyncapi: 3.0.0\n",
    "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(32),
    "photo.jpg": b"\xff\xd8\xff\xe0" + bytes(32),
    "photo.jpeg": b"\xff\xd8\xff\xe0" + bytes(32),
    "wave.gif": b"GIF89a" + bytes(32),
    "logo.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(32),
    "client.zip": archive(client__main_py="print()"),
    **{f"a.{ending}": zipped({"[Content_Types].xml": "<Types/>", part: "<x/>"}) for ending, part in _OFFICE.items()},
    **{
        f"a.{ending}": zipped({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": "<x/>"})
        for ending, kind in _OPEN.items()
    },
}
PAGE = b"<!doctype html><script>alert(1)</script>"
PROGRAM = b"MZ\x90\x00" + bytes(60)
