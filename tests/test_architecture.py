"""Who may import whom. The layers are those of the README's reading order."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each module of ours may import those of earlier layers; within a layer only what is named here.
LAYERS = [
    ["index.records", "index.errors"],
    [
        "index.parsers.grid",
        "index.parsers.pool",
        "index.parsers.author",
        "index.parsers.title",
        "index.parsers.numerals",
        "index.parsers.calendar",
        "index.parsers.sphinx",
        "index.parsers.rtf_signs",
    ],
    [
        "index.parsers.writer",
        "index.parsers.archive",
        "index.parsers.text",
        "index.parsers.layout",
    ],
    [
        "index.parsers.hyphens",
        "index.parsers.notes",
        "index.parsers.running",
        "index.parsers.ocr",
        "index.parsers.diagram",
        "index.parsers.office",
        "index.parsers.word_text",
        "index.parsers.word_styles",
        "index.parsers.html_text",
        "index.parsers.odt_lists",
        "index.parsers.rtf_table",
    ],
    [
        "index.parsers.flow",
        "index.parsers.pdfium",
        "index.parsers.word_table",
        "index.parsers.html_table",
        "index.parsers.odt_body",
    ],
    ["index.parsers.remarks"],
    [
        "index.parsers.markdown",
        "index.parsers.pdf",
        "index.parsers.docx",
        "index.parsers.pptx",
        "index.parsers.html",
        "index.parsers.odt",
        "index.parsers.rtf",
        "index.parsers.rst",
        "index.parsers.tables",
    ],
    ["index.parsers.epub", "index.parsers.eml"],
    ["index.parsers.picture"],
    ["index.parsers"],
    ["index.parsers.workers", "index.duplicates"],
    [
        "index.passages",
        "index.batching",
        "index.engines",
        "index.encoder",
        "index.network",
        "index.eight_bits",
        "index.extractor",
        "index.questions",
        "index.filters",
        "index.vectors",
        "index.sentences",
        "index.lexical",
        "index.fusion",
        "index.table",
        "index.cache",
        "index.corpus",
        "index.progress",
        "index.pictures",
        "index.shared",
    ],
    [
        "index.embed",
        "index.documents",
        "index.layout",
        "index.wording",
        "index.lots",
        "index.pushed",
    ],
    ["index.reading", "index.map", "index.machines", "index.collection"],
    ["index.milvus", "index.cluster"],
    ["index.snapshot"],
    ["index.store"],
    ["index.build", "index.search", "index.verify", "index.history"],
    ["index.reader", "index.confidence", "index.answer", "index.evaluate"],
    ["index"],
    ["app.settings", "app.judgements", "app.gate", "app.logs", "app.access", "app.metrics"],
    ["app.hosts", "app.pace"],
    ["app.guard"],
    ["app.problems"],
    [
        "app.rebuild",
        "app.suggest",
        "app.report",
        "app.followup",
        "app.groups",
        "app.uploads",
        "app.saved",
    ],
    ["app.following"],
    ["app.answering"],
    ["app.service"],
    ["app.evaluation", "app.quality", "app.watch"],
    ["app.terminal", "app.ui.strings"],
    ["app.ui.words", "app.ui.view", "app.ui.address"],
    ["app.ui.reading"],
    ["app.ui.copying", "app.ui.why"],
    ["app.ui.current", "app.ui.components", "app.ui.files", "app.ui.quality"],
    ["app.ui.shown", "app.ui.feedback", "app.ui.changing", "app.ui.signing"],
    ["app.ui.asking"],
    ["app.ui.past"],
    [
        "app.screens.ask",
        "app.screens.library",
        "app.screens.map",
        "app.screens.quality",
        "app.screens.read",
    ],
    ["app.page"],
    ["app.messages"],
    ["app.api", "app.calls", "app.assistant", "app.routes"],
    ["app.server"],
    ["app.arguments", "app.commands"],
    ["app.cli"],
    ["app.__main__"],
]
WITHIN = {
    ("index.encoder", "index.batching"),
    ("index.encoder", "index.engines"),
    ("index.extractor", "index.encoder"),
    ("index.extractor", "index.engines"),
    ("index.eight_bits", "index.network"),
    ("index.extractor", "index.eight_bits"),
    ("index.extractor", "index.network"),
    ("index.extractor", "index.passages"),
    ("index.vectors", "index.filters"),
    ("index.confidence", "index.reader"),
    ("index.answer", "index.confidence"),
    ("index.answer", "index.reader"),
}
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
HEAVY = (
    "torch sentence_transformers transformers streamlit faiss openvino ray pyarrow pymilvus pandas "
    "fsspec"
).split()


def modules() -> list[tuple[str, Path]]:
    found = []
    for top in ("index", "app"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append((name, path))
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


MODULES = modules()


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_what_lies_below_it(name: str, path: Path) -> None:
    if not path.read_text(encoding="utf-8").strip().strip('"'):
        return
    ours = {other for other in imports(path) if other in LAYER and other != name}
    if ours or name in LAYER:
        assert name in LAYER, f"{name} has no layer yet: give it one"
    for other in ours:
        below = LAYER[other] < LAYER[name] or (name, other) in WITHIN
        assert below, f"{name} must not import {other}"


@pytest.mark.parametrize(
    ("name", "path"), [pair for pair in MODULES if pair[0].startswith("index")]
)
def test_the_library_knows_no_page_no_command_line_and_no_environment(
    name: str, path: Path
) -> None:
    used = imports(path)
    for foreign in ("app", "streamlit", "argparse", "pydantic_settings", "starlette", "uvicorn"):
        assert not any(one == foreign or one.startswith(f"{foreign}.") for one in used)
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert "getenv" not in text
    assert "print(" not in text


def test_every_module_begins_by_saying_what_it_is() -> None:
    for name, path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


@pytest.mark.parametrize("name", ["index", "app.service", "app.cli"])
def test_importing_loads_nothing_heavy(name: str) -> None:
    code = f"import sys, {name}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
