"""What each command does: options and settings in, a ``Result`` out; printing is ``app.cli``'s.

Everything comes from ``app.service``; nothing here opens an index or loads a model itself.
"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import terminal
from app.report import summary, with_coverage
from index.errors import CorpusError, QueryError, SettingsError
from index.filters import Filter, filter_of

if TYPE_CHECKING:
    from app.service import Service, Status
    from app.settings import Settings
    from index.build import BuildReport
    from index.evaluate import Query

LONGEST_STDIN = 100_001
"""Characters read from stdin: far more than a question may have."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found: for programs, for people, and as an exit code."""

    data: dict[str, Any]
    text: str
    code: int = 0


def open_service(settings: Settings, snapshot: str | None = None) -> Service:
    """The service that the commands ask; imported here because it brings the index along."""
    from app.service import Service

    return Service(settings, snapshot)


def build(options: Namespace, settings: Settings) -> Result:
    """Index the corpus folder."""
    if options.ray_address and settings.engine != "ray":
        raise SettingsError("--address names a Ray cluster: add --engine ray.")
    bar = terminal.ProgressBar()
    service = open_service(settings)
    try:
        report = service.build(bar, force=options.force)
    finally:
        bar.close()
    if warning := service.warning(report.nearest):
        terminal.note(warning)
    return Result(_with_files(report), terminal.build(report))


def ask(options: Namespace, settings: Settings) -> Result:
    """Answer a question, or abstain."""
    service = open_service(settings)
    answer = service.ask(_question(options), only=_filter(options, service))
    data = {**asdict(answer), "text": answer.text}
    return Result(data, terminal.answer(answer, str(settings.corpus)), 0 if answer.answered else 1)


def search(options: Namespace, settings: Settings) -> Result:
    """List the nearest passages."""
    question = _question(options)
    service = open_service(settings)
    hits = service.search(question, settings.top_k, _filter(options, service))
    data = {"query": question, "hits": [asdict(hit) for hit in hits]}
    return Result(data, terminal.hits(hits, str(settings.corpus)), 0 if hits else 1)


def status(options: Namespace, settings: Settings) -> Result:
    """Show the index in use, or what became of each file."""
    found = open_service(settings).status()
    if found.error:
        return Result(_with_files(found), found.error, 1)
    if options.files:
        return Result(_with_files(found), terminal.files(found.files))
    rows = [
        ("Snapshot", found.snapshot or "none"),
        ("Built", f"{found.built_at}, in {found.seconds:.1f} s"),
        ("Documents", f"{found.documents:,}"),
        ("Passages", f"{found.passages:,}"),
        ("Sentences", f"{found.sentences:,}"),
        ("Words", f"{found.words:,}"),
        ("Model", found.model),
        ("Search", terminal.nearest(found.nearest)),
        ("Vectors", found.engine),
        ("Previous", found.previous or "none"),
        ("On disk", terminal.size(found.store_bytes)),
        ("Corpus", str(settings.corpus)),
        ("Store", str(settings.store)),
    ]
    rows += terminal.read(found.files)
    lines = [terminal.table(rows), *terminal.left_out(found.files)]
    if found.warning:
        lines += ["", found.warning]
    return Result(_with_files(found), "\n".join(lines))


def _with_files(found: BuildReport | Status) -> dict[str, Any]:
    """A report for programs: with the coverage of each file, and the figures of all."""
    files = [with_coverage(file) for file in found.files]
    return {**asdict(found), "files": files, "summary": asdict(summary(found.files))}


def verify(options: Namespace, settings: Settings) -> Result:  # noqa: ARG001
    """Prove the index against its sources."""
    report = open_service(settings).verify()
    read = terminal.counted(report.passages, "passage")
    lines = [f"{read} of snapshot {report.snapshot} read, those that repeat others included."]
    for names, heading in (
        (report.damaged, "Damaged (run: python -m app build --force)"),
        (report.changed, "Changed since the build"),
        (report.missing, "Removed since the build"),
        (report.added, "Added since the build"),
        (report.unproved, "Not proved, since OCR has come to another page in its time"),
    ):
        if names:
            lines += ["", f"{heading}:", *(f"  {name}" for name in names)]
    same = not (report.damaged or report.changed or report.missing or report.added)
    if same and not report.unproved:
        lines.append("Every passage stands in its source, character by character.")
    elif not same and not report.damaged:
        lines += ["", "To index the documents as they are now, run: python -m app build"]
    data = {**asdict(report), "ok": report.ok, "current": report.current}
    return Result(data, "\n".join(lines), 0 if same else 1)


def rollback(options: Namespace, settings: Settings) -> Result:
    """Go back to an earlier snapshot."""
    snapshot = open_service(settings).rollback(options.to)
    return Result({"snapshot": snapshot}, f"Snapshot {snapshot} is current.")


def serve(options: Namespace, settings: Settings) -> Result:  # noqa: ARG001
    """Serve the page; returns when it is stopped."""
    from app.server import serve as serve_page

    serve_page(settings)
    return Result({"stopped": True}, "Stopped.")


def mcp(options: Namespace, settings: Settings) -> Result:
    """Serve assistants, over stdin and stdout or over HTTP, until it ends."""
    from app.server import serve_assistants

    serve_assistants(settings, over_http=options.http)
    return Result({"stopped": True}, "")


def token(options: Namespace, settings: Settings) -> Result:
    """Make, list or revoke tokens."""
    from app.access import Tokens

    tokens = Tokens(settings.store)
    if options.action == "list":
        kept = tokens.all()
        if not kept:
            return Result({"tokens": []}, "There are no tokens.", 1)
        rows = [{"name": one.name, "scope": one.scope, "created": one.created} for one in kept]
        text = terminal.table([(one.name, f"{one.scope:<7} {one.created}") for one in kept])
        return Result({"tokens": rows}, text)
    if not options.name:
        raise SettingsError(f"Name the token: python -m app token {options.action} NAME")
    if options.action == "revoke":
        found = tokens.revoke(options.name)
        text = f"Token '{options.name}' is revoked." if found else f"No token '{options.name}'."
        return Result({"revoked": found}, text, 0 if found else 1)
    secret = tokens.new(options.name, options.scope)
    data = {"name": options.name, "scope": options.scope, "token": secret}
    terminal.note("This is shown once; only its hash is kept.")
    return Result(data, secret)


def eval(options: Namespace, settings: Settings) -> Result:
    """Measure ranking, answers and abstentions against judgements."""
    from app import evaluation
    from index.evaluate import document_of, read_qrels, read_queries

    queries = read_queries(options.queries, options.split)
    judged = read_qrels(options.qrels or options.queries, options.split)
    queries = [
        query
        for query in queries
        if query.unanswerable or any(r > 0 for r in judged.get(query.id, {}).values())
    ]
    if all(query.unanswerable for query in queries):
        raise CorpusError(f"No query of '{options.queries}' has a relevant judgement.")
    service = open_service(settings)
    service.as_shipped = bool(options.calibrate)
    known = {document.id for document in service.documents()}
    named = {document_of(item) for query in queries for item in judged.get(query.id, ())}
    if not named & known:
        raise CorpusError(f"No judged document is in the index, for instance '{min(named)}'.")
    if named - known:
        strange = terminal.counted(len(named - known), "judged document")
        terminal.note(f"{strange} not in the index, for instance '{min(named - known)}'.")
    outcomes, problems = evaluation.ask(service, _watched(queries), judged)
    for problem in problems:
        terminal.note(f"Query {problem.id} counts as not found: {problem.reason}")
    figures = evaluation.figures(outcomes)
    data: dict[str, Any] = {"queries": len(queries), "figures": figures}
    before: dict[str, float] | None = None
    if options.against is not None:
        name = options.against or service.status().previous
        if name is None:
            raise CorpusError("There is no earlier snapshot to compare with.")
        earlier = open_service(settings, name)
        before = evaluation.figures(evaluation.ask(earlier, _watched(queries), judged)[0])
        data["against"] = {"snapshot": name, "figures": before}
    lines = [terminal.figures(len(queries), figures, before)]
    if options.each:
        data["each"] = [
            {name: value for name, value in asdict(one).items() if name not in ("qrels", "run")}
            for one in outcomes
        ]
        lines += ["", terminal.outcomes(outcomes)]
    if options.calibrate:
        data["calibration"] = facts = evaluation.calibrate(service, outcomes)
        lines += ["", terminal.calibrated(facts)]
    return Result(data, "\n".join(lines))


def judgements(options: Namespace, settings: Settings) -> Result:
    """List, export, take in or delete what people said of answers."""
    from app import saved
    from app.judgements import as_object

    service = open_service(settings)
    kept = service.judgements
    if options.action == "delete":
        count = kept.clear() if options.what == ["all"] else kept.delete(_numbers(options))
        text = f"{terminal.counted(count, 'judgement')} deleted."
        return Result({"deleted": count}, text, 0 if count else 1)
    if options.action == "import":
        count = saved.take_in(_folder(options), kept, service.text)
        text = f"{terminal.counted(count, 'judgement')} taken in."
        return Result({"imported": count}, text, 0 if count else 1)
    found = kept.all()
    data: dict[str, Any] = {"judgements": [as_object(one) for one in found]}
    if not found:
        return Result(data, "Nobody has judged an answer yet.", 1)
    if options.action == "list":
        return Result(data, terminal.judgements(found))
    folder = _folder(options)
    questions = saved.export(folder, found, service.text)
    if questions.lost:
        lost = terminal.counted(questions.lost, "cited place")
        terminal.note(f"{lost} left out of qrels.tsv: an edit has changed the words.")
    counted = terminal.counted(len(questions.queries), "question")
    data = {"folder": str(folder), "questions": len(questions.queries), "lost": questions.lost}
    return Result(data, f"{counted} written. To measure: python -m app eval {folder}")


def _folder(options: Namespace) -> Path:
    if len(options.what) != 1:
        raise CorpusError(f"Name one folder to {options.action}.")
    return Path(options.what[0])


def _numbers(options: Namespace) -> list[int]:
    if not options.what or not all(re.fullmatch("[0-9]{1,15}", one) for one in options.what):
        raise CorpusError("Name the numbers of the judgements to delete, or: all")
    return [int(one) for one in options.what]


def _watched(queries: list[Query]) -> Iterator[Query]:
    """The queries, with a bar on a terminal."""
    if not sys.stderr.isatty():
        yield from queries
        return
    from tqdm import tqdm

    bar: Iterable[Query] = tqdm(queries, desc="Asking", unit=" queries", leave=False)
    yield from bar


def _filter(options: Namespace, service: Service) -> Filter:
    """What was asked to narrow the search to; says so where that leaves no document."""
    if not options.filter:
        return Filter()
    documents = service.documents()
    only = filter_of(options.filter, documents)
    if not any(only.matches(one) for one in documents):
        terminal.note("No document meets these filters.")
    return only


def _question(options: Namespace) -> str:
    if options.question != ["-"]:
        return " ".join(options.question)
    try:
        return sys.stdin.read(LONGEST_STDIN).strip()
    except UnicodeDecodeError as error:
        raise QueryError(f"The question on standard input is not text: {error}.") from error
