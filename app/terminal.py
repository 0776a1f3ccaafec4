"""Records as lines for people at a terminal, and progress on stderr. Decides nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from app.report import covered, not_whole, percent, summary, why, with_care

if TYPE_CHECKING:
    from app.evaluation import Outcome
    from app.judgements import Judgement
    from index.build import BuildReport
    from index.progress import Progress
    from index.records import Answer, FileReport, Hit, Passage
    from index.vectors import Nearest

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BREAK = re.compile(r"[\t\n\u2028\u2029]")
_STAGES = {
    "reading": ("Reading", "file"),
    "encoding": ("Encoding", "passage"),
    "clustering": ("Clustering", ""),
    "loading": ("Loading", "passage"),
    "indexing": ("Indexing", "passage"),
    "mapping": ("Drawing the map", ""),
    "publishing": ("Publishing", ""),
}
_MATCHES = {"strong": "Strong match", "partial": "Partial match", "weak": "Weak match"}
_FIGURES = {
    "ndcg@10": "nDCG@10",
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@20": "R@20",
    "mrr@10": "MRR@10",
    "first_sentence_answers": "First sentence answers",
    "span_f1": "Words that answer, F1",
    "span_em": "Words that answer, exact",
    "right_shown": "Answered rightly",
    "rightly_none": "Rightly not answered",
    "precision": "Right, of those shown",
    "coverage": "Shown, of all",
    "auroc": "Confidence, AUROC",
    "calibration_error": "Confidence, error",
}
_NAMED = 20  # files in a report, of those that are not wholly in the index
_PLACES = 3  # where the same words stand again
_EXCERPT = 240  # characters of a passage in a list of hits


def harmless(text: str) -> str:
    """The text without characters that would steer a terminal; documents may hold any."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def counted(number: int, noun: str) -> str:
    """``1 passage``, ``2,067 passages``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def place(passage: Passage, corpus: str) -> str:
    """Where a passage stands: ``Title › Heading, paragraph 2 (corpus/file.md:7)``."""
    headings = [heading for heading in passage.headings if heading != passage.title]
    path = " › ".join([passage.title, *headings])
    page = f", page {passage.page}" if passage.page is not None else ""
    line = f":{passage.line}" if passage.line is not None else ""
    return f"{path}{page}, paragraph {passage.number} ({corpus}/{passage.document_id}{line})"


def also(hit: Hit, corpus: str) -> list[str]:
    """The first other places of a passage, and how many there are beyond them."""
    lines = [place(copy, corpus) for copy in hit.copies[:_PLACES]]
    more = len(hit.copies) - len(lines) + hit.more_copies
    return lines + ([f"in {counted(more, 'other place')}"] if more else [])


def answer(found: Answer, corpus: str) -> str:
    """The quotes, the match in words, and the sources that they are numbered after."""
    if not found.answered:
        lines = ["No passage was found that answers this."]
        if found.hits:
            lines += ["", "Nearest passages:"]
            lines += [f"  {place(hit.passage, corpus)}" for hit in found.hits[:3]]
        return "\n".join(lines)
    lines = [f"{citation.quote} [{citation.number}]" for citation in found.citations]
    lines += ["", _MATCHES.get(found.match, found.match), ""]
    hits = {hit.passage.id: hit for hit in found.hits}
    sources = {citation.number: citation.passage_id for citation in found.citations}
    for number, passage_id in sorted(sources.items()):
        lines.append(f"[{number}] {place(hits[passage_id].passage, corpus)}")
        lines += [f"    also {line}" for line in also(hits[passage_id], corpus)]
    return "\n".join(lines)


def hits(found: Iterable[Hit], corpus: str) -> str:
    """Each hit's place, the beginning of its text, and the evidence for it."""
    blocks = []
    for hit in found:
        text = " ".join(hit.passage.text.split())
        text = text if len(text) <= _EXCERPT else text[:_EXCERPT].rsplit(" ", 1)[0] + " …"
        evidence = [
            f"{name} {each.score:.2f}" + (f" (rank {each.rank})" if each.rank is not None else "")
            for name, each in (
                ("passage", hit.dense),
                ("sentence", hit.sentence),
                ("words", hit.lexical),
                ("reader", hit.relevance),
            )
            if each is not None
        ]
        matched = f"; shares {', '.join(hit.matched)}" if hit.matched else ""
        blocks.append(
            f"[{hit.rank}] {place(hit.passage, corpus)}\n    {text}\n"
            + "".join(f"    also {line}\n" for line in also(hit, corpus))
            + f"    score {hit.score:.3f}: {', '.join(evidence)}{matched}"
        )
    return "\n\n".join(blocks) or "Nothing found."


def figures(queries: int, found: dict[str, float], before: dict[str, float] | None) -> str:
    """What an evaluation found; beside it what another snapshot gives, and the difference."""
    lines = [("Queries", f"{queries:,}")]
    for name, title in _FIGURES.items():
        if name not in found:
            continue
        line = f"{found[name]:.4f}"
        if before is not None and name in before:
            line += f"   before {before[name]:.4f}   {found[name] - before[name]:+.4f}"
        lines.append((title, line))
    return table(lines)


def outcomes(found: Iterable[Outcome]) -> str:
    """One line for each query: whether right, the rank of what it looks for, and the answer."""
    lines = ["query       answer   rank  confidence  question, and first sentence"]
    for one in found:
        if one.right is None:
            verdict = "shown" if one.shown else "none"
        elif one.unanswerable:
            verdict = "WRONG" if one.shown else "right: no"
        else:
            verdict = ("right" if one.right else "WRONG") if one.shown else "missed"
        rank = "-" if one.rank is None else str(one.rank)
        lines.append(f"{one.id:<11} {verdict:<9}{rank:>4}{one.confidence:12.2f}  {one.text}")
        if one.shown:
            lines.append(" " * 38 + " ".join(one.quote.split()))
    return "\n".join(lines)


def judgements(found: Iterable[Judgement]) -> str:
    """Each judgement with its number, its verdict, what was said, and the cited places."""
    blocks = []
    for one in found:
        lines = [f"{one.id:>4}  {one.at[:10]}  {one.verdict:<4}  {one_line(one.question)}"]
        said = [*(reason.replace("_", " ") for reason in one.reasons), one_line(one.note)]
        if any(said):
            lines.append("; ".join(filter(None, said)))
        lines += [f"{one_line(it.document)}#{it.start}-{it.end}" for it in one.sources]
        blocks.append(("\n" + " " * 24).join(lines))
    return "\n".join(blocks)


def calibrated(facts: dict[str, Any]) -> str:
    """What a calibration changed, and where it is."""
    return (
        f"Confidence fitted to {counted(facts['questions'], 'question')}: calibration error "
        f"{facts['error_before']:.3f} before, {facts['error_after']:.3f} after, on these.\n"
        f"In use from now on: {facts['file']} (delete it to go back to what ships).\n"
        f"Precision and coverage: {facts['picture']}"
    )


def build(report: BuildReport) -> str:
    """What a build did, and what became of the files."""
    contents = f"{counted(report.documents, 'document')}, {counted(report.passages, 'passage')}"
    if report.unchanged:
        line = f"Snapshot {report.snapshot} is current: {contents}; compared"
    else:
        line = f"Snapshot {report.snapshot}: {contents},"
    lines = [f"{line} in {report.seconds:.1f} s."]
    known = max(0, report.cached - report.taken_over)
    if report.encoded or report.taken_over:
        cached = f"; the text of {counted(known, 'passage')} was known" if known else ""
        if report.taken_over:
            cached = f"; {counted(report.taken_over, 'text')} taken over, of a dead build{cached}"
        lines.append(f"Encoded {counted(report.encoded, 'passage')}{cached}.")
    else:
        lines.append("Nothing to encode: no text has changed.")
    return "\n".join([*lines, "", table(read(report.files)), *left_out(report.files)])


def read(files: Iterable[FileReport]) -> list[tuple[str, str]]:
    """How many files are in which state, and how much of their text is in the index."""
    found = summary(files)
    states = ", ".join(f"{number:,} {state}" for state, number in found.states.items())
    rows = [("Files", f"{found.files:,}: {states}" if states else "0")]
    lost = f"{found.left_out:,} left out ({percent(found.coverage)} kept)"
    rows.append(("Characters", f"{found.characters:,} kept, {lost if found.left_out else 'all'}"))
    if found.pages:
        rows.append(("Pages", f"{found.pages:,}, {found.pages_without_text:,} without text"))
    if found.repeated:
        rows.append(("Repeated", f"{counted(found.repeated, 'passage')}, cited with the first"))
    if found.cut_tokens:
        rows.append(("Not encoded", f"{counted(found.cut_tokens, 'token')} of long headings"))
    return rows


def left_out(files: Iterable[FileReport]) -> list[str]:
    """The first files that are not wholly in the index or need care, each with the reason."""
    files = list(files)
    return [
        *_named("Not wholly in the index", not_whole(files)),
        *_named("To be read with care", with_care(files)),
    ]


def _named(heading: str, files: Sequence[FileReport]) -> list[str]:
    lines = ["", f"{heading}: {counted(len(files), 'file')}"] if files else []
    for file in files[:_NAMED]:
        share = f", {covered(file)}" if file.characters else ""
        lines.append(f"  {one_line(file.path)} ({file.state}{share}): {one_line(why(file))}")
    if len(files) > _NAMED:
        lines.append(f"  and {len(files) - _NAMED:,} more: python -m app status --files")
    return lines


def files(found: Iterable[FileReport]) -> str:
    """Each file with its state, its figures and its name; below it why not all is in the index."""
    rows = [("state", "kept", "characters", "left out", "pages", "no text", "passages", "seconds")]
    names = ["file"]
    for file in found:
        pages = (f"{file.pages:,}", f"{file.pages_without_text:,}") if file.pages else ("–", "–")
        sizes = (f"{file.characters:,}", f"{file.left_out:,}", *pages, f"{file.passages:,}")
        rows.append((file.state, covered(file), *sizes, f"{file.seconds:.2f}"))
        reason = f"\n    {one_line(why(file))}" if why(file) else ""
        names.append(one_line(file.path) + reason)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for (state, *figures), name in zip(rows, names, strict=True):
        right = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True)]
        lines.append("  ".join([state.ljust(widths[0]), *right, name]))
    return "\n".join(lines)


def one_line(text: str) -> str:
    """The text without what would begin another line; names of files may hold that."""
    return _BREAK.sub("\N{REPLACEMENT CHARACTER}", text)


def nearest(how: Nearest) -> str:
    """How the nearest vectors are found: ``exact``, or the kind of index and its recall."""
    if how.kind == "exact":
        return "exact"
    looked = "candidate" if how.kind == "HNSW" else "cluster"
    done = "kept" if how.kind == "HNSW" else "looked into"
    return (
        f"{how.kind}, {counted(how.probes, looked)} {done}, "
        f"recall@10 {how.recall:.3f} over {how.queries} queries"
    )


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns, the first one padded."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def size(number: float) -> str:
    """Bytes in units that people read: ``1.4 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def note(message: str) -> None:
    """A line on stderr."""
    print(harmless(message), file=sys.stderr, flush=True)


class ProgressBar:
    """A bar with rate and time left on a terminal; elsewhere one line for each stage."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None
        self._terminal = sys.stderr.isatty()

    def __call__(self, step: Progress) -> None:
        """Show how far a build is."""
        if step.stage not in _STAGES:
            self.close()
            return
        doing, noun = _STAGES[step.stage]
        if step.stage != self._stage:
            self.close()
            self._stage = step.stage
            if not self._terminal:
                note(f"{doing} {counted(step.total, noun)}" if noun else doing)
                return
            from tqdm import tqdm

            unit = f" {noun}s" if noun else ""
            self._bar = tqdm(total=step.total, desc=doing, unit=unit, leave=False, initial=0)
        if self._bar is not None:
            self._bar.update(step.done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
