"""Numbers of list items as a reader sees them, raised numbers, and formulas on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_ROMAN = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        "m cm d cd c xc l xl x ix v iv i".split(),
        strict=True,
    )
)
_RAISED = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SIGNS = {"f": "/", "mfrac": "/", "sSup": "^", "msup": "^", "sSub": "_", "msub": "_"}


def numeral(number: int, style: str) -> str:
    """A number in the style that HTML calls ``1``, ``01``, ``a``, ``A``, ``i`` or ``I``."""
    if style in ("i", "I") and 0 < number < 5000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman if style == "i" else roman.upper()
    if style in ("a", "A") and 0 < number < 10**6:
        letters = ""
        while number:
            number, place = divmod(number - 1, 26)
            letters = chr(ord(style) + place) + letters
        return letters
    return f"{number:02}" if style == "01" else str(number)


def raised(text: str) -> str:
    """A raised number in signs of its own: ten to the sixth is no hundred and six."""
    number = text.strip().replace("−", "-")
    if not any(map(str.isdigit, number)):
        return text
    small = number.translate(_RAISED)
    return small if all(sign not in number or sign in ", " for sign in small) else text


def formula(tag: str, parts: Sequence[str]) -> str:
    """The parts of an element of a formula, of Word's kind or MathML, side by side."""
    sign = _SIGNS.get(tag, "")
    if sign:
        return sign.join(
            part if len(part) < 2 or part.isalnum() else f"({part})" for part in parts if part
        )
    whole = "".join(parts)
    if tag in ("rad", "msqrt"):
        return f"√({whole})"
    return f"({whole})" if tag == "d" else whole


def office_formula(element: Any) -> str:
    """A formula of Word or PowerPoint on one line."""
    if element.tag.endswith("}t"):
        return element.text or ""
    inner = [one for one in element if isinstance(one.tag, str) and not one.tag.endswith("Pr")]
    return formula(element.tag.rpartition("}")[2], [office_formula(one) for one in inner])
