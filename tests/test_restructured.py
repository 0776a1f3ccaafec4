"""reStructuredText: what docutils alone would drop, or part from what it belongs to."""

from __future__ import annotations

import pytest

from index.parsers import parse_bytes
from index.records import Document
from tests.samples import FERRY, texts


def read(source: str) -> Document:
    return parse_bytes(source.encode(), "a.rst")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".. versionadded:: 3.2\n   It floats.\n", ["3.2 It floats."]),
        (".. seealso::\n\n   The pier.\n\n   * The quay.\n", ["The pier.", "The quay."]),
        (".. py:function:: load(cars, *more)\n   :no-index:\n\n   Loads *cars*.\n",
         ["load(cars, *more)", "Loads cars."]),
        ("See :ref:`the pier <pier>`, :func:`~ships.load` and `it`:doc:.\n",
         ["See the pier, ships.load and it."]),
        ("10\\ :sup:`6` H\\ :sub:`2`\\ O\n", ["10⁶ H2O"]),
        ("(iii) one\n(iv) two\n\n#. three\n", ["(iii) one", "(iv) two", "1. three"]),
        ("pier\n   Where ships lie.\n\n   And wait.\n", ["pier: Where ships lie.", "And wait."]),
        ("Text.\n\n:cars: forty\n:ships:\n", ["Text.", "cars: forty", "ships:"]),
        ("-a, --all   All ships.\n", ["-a, --all: All ships."]),
        (".. table:: Fees\n\n   === ===\n   Car 30\n   === ===\n", ["Fees", "Car; 30"]),
        (".. figure:: a.png\n   :alt: The pier\n\n   At dusk.\n", ["The pier", "At dusk."]),
        ("[#]_ or [A]_\n\n.. [#] One.\n.. [A] Two.\n", ["1 or A", "[1] One.", "[A] Two."]),
    ],
)  # fmt: skip
def test_it_is_read_as_it_is_seen(source: str, expected: list[str]) -> None:
    assert texts(read(source)) == expected


def test_a_heading_of_a_wrong_level_is_kept() -> None:
    source = "Ships\n=====\n\nOne.\n\nFerries\n-------\n\nTwo.\n\nBoats\n~~~~~\n\nThree.\n\n"
    document = read(f"{source}Quays\n-----\n\n====\nPort\n====\n\n{FERRY}\n")
    whole = " ".join(texts(document)) + " ".join(document.blocks[-1].headings)
    assert "Port" in whole
    assert FERRY in whole


def test_contents_raw_markup_and_lists_of_files_are_left_out_and_counted() -> None:
    source = "Ships\n=====\n\n.. contents::\n\nFees\n----\n\n"
    files = ".. toctree::\n   :maxdepth: 2\n\n   pier\n\n"
    document = read(f"{source}{files}.. raw:: html\n\n   <b>x</b>\n\n{FERRY}\n")
    assert texts(document) == [FERRY]
    assert document.extent.left_out > len("pier")


def test_lines_are_those_of_the_file() -> None:
    source = "One.\n\n.. versionadded:: 3.2\n\n   Two.\n\n.. note:: Three.\n"
    assert [block.line for block in read(source).blocks] == [1, 3, 5, 7]


def test_author_and_date_are_those_it_names() -> None:
    source = f":Author: Ida Holm\n:Date: 2020-03-01\n\n{FERRY}\n"
    assert read(source).metadata == {"author": "Ida Holm", "date": "2020-03-01"}
