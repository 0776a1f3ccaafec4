"""What is read of a folder of files, by format, and how fast PDF pages are read beside pypdf.

    python -m benchmarks.parse FOLDER [--json]

Every file below the folder is tried, whatever its name. pypdf, where it is installed, extracts the
text of the same PDF files, alternating with ours; it knows neither columns nor paragraphs, nor
pages that are pictures, which are not read here either. Pages with two columns are made, and how
often each reader goes from one column to the other is counted: once is right.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.errors import ParseError
from index.parsers import ocr, parse_bytes
from index.parsers.remarks import lacks
from index.parsers.workers import Limits, parse_all

ROUNDS = 3
LINES = 40  # in each column of the pages that are made


@dataclass
class Row:
    """The figures of one format."""

    files: int = 0
    indexed: int = 0
    partly: int = 0
    failed: int = 0
    characters: int = 0
    left_out: int = 0
    pages: int = 0
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.parse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=120, help="what one file may take")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    if not files:
        parser.error(f"there is no file in '{options.folder}'")
    rows = measure(options.folder, files, Limits(seconds=options.seconds))
    pdf = [path for path in files if path.suffix.lower() == ".pdf"]
    with ocr.within(0):
        compared = beside(pdf)
    result = {
        "formats": {name: asdict(row) for name, row in rows.items()},
        "pdf": compared,
        "order": order(),
    }
    print(json.dumps(result) if options.json else table(result))


def measure(folder: Path, files: Sequence[Path], limits: Limits) -> dict[str, Row]:
    """What becomes of each file, by format; of files that fail, by suffix."""
    rows: dict[str, Row] = defaultdict(Row)
    pairs = [(path, path.relative_to(folder).as_posix()) for path in files]
    done = parse_all(pairs, limits)
    for (_, name), parsed in zip(
        pairs, tqdm(done, "parsing", len(pairs), file=sys.stderr, leave=False), strict=True
    ):
        document = parsed.document
        row = rows[document.format if document else Path(name).suffix.lower().lstrip(".")]
        row.files += 1
        row.seconds += parsed.seconds
        if document is None:
            row.failed += 1
            row.reasons.append(f"{name}: {parsed.reason}")
            continue
        lacking = list(lacks(document.extent))
        row.partly += bool(lacking)
        row.indexed += not lacking
        row.reasons += [f"{name}: {reason}" for reason in lacking]
        row.characters += len(document.text)
        row.left_out += document.extent.left_out
        row.pages += document.extent.pages
    return dict(sorted(rows.items()))


def beside(files: Sequence[Path]) -> dict[str, float] | None:
    """Pages a second of ours and of pypdf on the same files, in turn; ``None`` without pypdf."""
    try:
        import pypdf
        from pypdf.errors import PyPdfError
    except ImportError:
        return None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    seconds = {"Passages": 0.0, "pypdf": 0.0}
    pages = 0
    for path in tqdm(files, "beside pypdf", file=sys.stderr, leave=False):
        data = path.read_bytes()
        try:
            count = parse_bytes(data, path.name).extent.pages
            pypdf.PdfReader(path).pages[0].extract_text()
        except (ParseError, PyPdfError, ValueError, KeyError, TypeError, AttributeError):
            continue
        times: dict[str, list[float]] = {"Passages": [], "pypdf": []}
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            parse_bytes(data, path.name)
            times["Passages"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            try:
                for page in pypdf.PdfReader(path).pages:
                    page.extract_text()
            except (PyPdfError, ValueError, KeyError, TypeError, AttributeError):
                break
            times["pypdf"].append(time.perf_counter() - begun)
        else:
            pages += count
            for name, values in times.items():
                seconds[name] += min(values)
    return {name: pages / value for name, value in seconds.items() if value} | {"pages": pages}


def order() -> dict[str, dict[str, int]] | None:
    """How often lines of two columns that follow each other are of different ones.

    By the order in which the file has them. ``None`` without pypdf and reportlab.
    """
    try:
        import pypdf
        from reportlab.pdfgen.canvas import Canvas
    except ImportError:
        return None
    sides = {"left": 50, "right": 310}
    lines = [(side, number) for side in sides for number in range(LINES)]
    files = {
        "column by column": lines,
        "line by line across": sorted(lines, key=lambda line: line[1]),
        "right column first": sorted(lines, key=lambda line: line[0] == "left"),
    }
    found = {}
    for name, drawn in files.items():
        content = io.BytesIO()
        canvas = Canvas(content)
        for side, number in drawn:
            text = f"{side}{number:02d} tells of the harbour and its lamps"
            canvas.drawString(sides[side], 780 - 14 * number, text)
        canvas.save()
        page = pypdf.PdfReader(io.BytesIO(content.getvalue())).pages[0]
        texts = {
            "Passages": parse_bytes(content.getvalue(), "made.pdf").text,
            "pypdf": page.extract_text(),
            "pypdf, layout": page.extract_text(extraction_mode="layout"),
        }
        found[name] = {
            reader: sum(a != b for a, b in pairwise(re.findall(r"\b(left|right)\d\d\b", text)))
            for reader, text in texts.items()
        }
    return found


def table(result: dict[str, Any]) -> str:
    """The figures as text columns."""
    lines = [
        "format     files  indexed  partly  failed   characters  left out   pages  pages/s  seconds"
    ]
    for name, row in result["formats"].items():
        speed = f"{row['pages'] / row['seconds']:.0f}" if row["pages"] and row["seconds"] else "-"
        lines.append(
            f"{name:<10}{row['files']:6}{row['indexed']:9}{row['partly']:8}{row['failed']:8}"
            f"{row['characters']:13,}{row['left_out']:10,}{row['pages']:8,}{speed:>9}{row['seconds']:9.1f}"
        )
    lines.append("")
    for row in result["formats"].values():
        lines += row["reasons"]
    if result["pdf"]:
        found = result["pdf"]
        lines += [
            "",
            f"{found['pages']:,} PDF pages, one process: Passages {found.get('Passages', 0):.0f} "
            f"pages/s, pypdf {found.get('pypdf', 0):.0f} pages/s",
        ]
    if result["order"]:
        lines += ["", f"from column to column, {LINES} lines each, once is right; in the file:"]
        for name, changes in result["order"].items():
            told = ", ".join(f"{reader} {count}" for reader, count in changes.items())
            lines.append(f"  {name}: {told}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
