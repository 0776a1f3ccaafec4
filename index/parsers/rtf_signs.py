"""The signs and destinations that control words of RTF stand for, and encodings of its fonts."""

from __future__ import annotations

import codecs

SIGNS = {
    "tab": "\t", "line": "\n", "softline": "\n", "emdash": "—", "endash": "–", "bullet": "•",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "emspace": " ",
    "enspace": " ", "qmspace": " ", "nestcell": "; ", "nestrow": "\n", "page": "\n", "~": "\u00a0",
    "_": "-", "{": "{", "}": "}", "\\": "\\",
}  # fmt: skip
"""What is seen in the place of a control word or sign."""

SKIPPED = frozenset(
    "colortbl pict objdata objclass fldinst sp shprslt nonshppict nonesttables bkmkstart bkmkend "
    "datastore themedata colorschememapping latentstyles listtable listoverridetable pn filetbl "
    "revtbl rsidtbl generator xmlnstbl mmathPr xe tc txe rxe ftnsep ftnsepc ftncn aftnsep "
    "aftnsepc aftncn do datafield formfield template private upr pgptbl atnid atnauthor "
    "atndate atnref atrfstart atrfend atnparent atntime atnicn".split()
)
"""Groups that hold no text, or another program's copy of it."""

KEPT = frozenset("shppict shpinst shptxt footnote annotation ud listtext pntext".split())
"""Groups that older programs may skip, and which hold text."""

ASIDE = frozenset(
    "header headerl headerr headerf footer footerl footerr footerf annotation".split()
)
"""Groups that stand beside the text."""

_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip


def of_charset(number: int) -> str:
    """The encoding of a font's character set; nothing for that of the document."""
    return _CHARSETS.get(number, "")


def of_page(number: int) -> str:
    """The encoding of a code page."""
    name = {65001: "utf-8", 10000: "mac_roman"}.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
