"""Was this helpful? Thumbs below an answer, the reasons for a thumb down, and a note."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from app.judgements import LONGEST_NOTE, REASONS, Judgement, Reason, Source
from app.ui.current import service
from app.ui.quality import KINDS
from app.ui.strings import say
from index.errors import AccessError, PassagesError
from index.filters import Filter
from index.records import Answer

COOKIE = "passages_judge"
"""Tells this browser's judgements from others'; written with the first judgement, not before."""

_JUDGE = re.compile(r"[0-9a-f]{32}")


def judge_named(name: str) -> str:
    """Whoever sits at a browser: the random name in its cookie, or a new one."""
    return name if _JUDGE.fullmatch(name) else secrets.token_hex(16)


def sources_of(answer: Answer) -> tuple[Source, ...]:
    """The places that an answer cites."""
    return tuple(Source(one.document_id, one.start, one.end, one.quote) for one in answer.citations)


def given(
    judged: Judgement, verdict: str, reasons: Sequence[Reason], note: str
) -> Judgement | None:
    """What a person said of an answer; ``None`` where they took it back."""
    if verdict == "up":
        return replace(judged, verdict="up")
    if verdict != "down":
        return None
    return replace(
        judged,
        verdict="down",
        reasons=tuple(one for one in REASONS if one in reasons),
        note=note[:LONGEST_NOTE].strip(),
    )


def offered(answer: Answer, only: Filter, judge: str) -> dict[str, Any] | None:
    """What feedback.js draws below an answer; ``None`` where answers are not judged."""
    if not service().settings.feedback:
        return None
    judged = Judgement(
        question=answer.query,
        verdict="up",
        sources=sources_of(answer),
        only=only,
        snapshot=answer.snapshot,
        judge=judge,
    )
    try:
        before = service().judgements.of(judged)
    except PassagesError as error:
        return {"problem": _problem("feedback.unusable", error)}
    sealed = json.dumps(
        {
            "question": answer.query,
            "sources": [asdict(one) for one in judged.sources],
            "only": asdict(only),
            "snapshot": answer.snapshot,
        }
    )
    return {
        "about": judged.answer + answer.query,
        "judged": sealed,
        "seal": service().seal(sealed),
        "answered": answer.answered,
        "offered": _reasons_for(answered=answer.answered),
        "longest": LONGEST_NOTE,
        "judge": judge,
        "cookie": COOKIE,
        **_said(before, ""),
    }


def kept(
    judged: str, seal: str, judge: str, verdict: str, reasons: Sequence[Reason], note: str
) -> dict[str, Any]:
    """Keep what a person says of an answer, or take it back where ``verdict`` is empty.

    ``judged`` is the answer as ``offered`` gave it away, with its ``seal``. Gives back what changes
    below the answer; where the judgement cannot be kept, why.
    """
    try:
        answer = _unsealed(judged, seal, judge)
        said = given(answer, verdict, reasons, note)
        if said:
            service().judgements.save(said)
        elif (before := service().judgements.of(answer)) is not None:
            service().judgements.delete([before.id])
    except PassagesError as error:
        return {"problem": _problem("feedback.not_kept", error)}
    return _said(said, say("feedback.thanks" if said else "feedback.taken_back"))


def _unsealed(judged: str, seal: str, judge: str) -> Judgement:
    """An answer that was given here, and no other: what is judged is measured with later.

    Raises:
        AccessError: it is another one, or answers are not judged here.
    """
    if not service().settings.feedback:
        raise AccessError("The setting feedback says that answers are not judged here.")
    if not hmac.compare_digest(service().seal(judged).encode(), seal.encode()):
        raise AccessError("The server was started anew. Ask the question again, then judge.")
    found = json.loads(judged)
    return Judgement(
        question=found["question"],
        verdict="up",
        sources=tuple(Source(**one) for one in found["sources"]),
        only=Filter(**found["only"]),
        snapshot=found["snapshot"],
        judge=judge,
    )


def _problem(title: str, error: PassagesError) -> dict[str, str]:
    return {"title": say(title), "text": str(error), "kind": "error"}


def _said(before: Judgement | None, said: str) -> dict[str, Any]:
    return {
        "verdict": before.verdict if before else "",
        "reasons": before.reasons if before else (),
        "note": before.note if before else "",
        "said": said,
    }


def _reasons_for(*, answered: bool) -> list[dict[str, str]]:
    """The reasons that can be given, with their words."""
    return [
        {"name": name, "text": say(KINDS[name])}
        for name in REASONS
        if (name == "has_answer") is not answered
    ]
