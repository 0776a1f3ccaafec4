"""What the page asks the server for beside Streamlit: answers, passages, pictures, judgements.

An answer comes without the script of a whole page being run, and reaches the screen that much
sooner. What is given back is drawn as it is (app/ui); programs have the API (app/api.py). An error
has its HTTP status and stands below ``problem`` as notice.js draws it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.followup import MOST, carried
from app.judgements import Reason
from app.messages import Strict, Text
from app.problems import broken, misread, refused, status_of
from app.service import Service
from app.ui import asking, feedback
from app.ui.address import Asked, filter_in
from app.ui.current import use
from app.ui.view import problem_data
from index.errors import PassagesError

KEY = "X-Passages-Key"
"""The header with what the page was given where one has to sign in."""

Only = dict[Text, Text]
"""The conditions in an address; one that makes no sense there counts as not given."""


class Start(Strict):
    """Nothing is asked yet."""

    only: Only = Field(default_factory=dict)


class Question(Strict):
    """A question; ``about`` are words carried over, ``before`` a question that may lend some."""

    question: str
    about: str = ""
    before: str = ""
    only: Only = Field(default_factory=dict)
    snapshot: Text = ""
    source: int = 0


class Quote(Strict):
    """A place that is cited: offsets into the text of a document."""

    document: str
    start: int
    end: int
    quote: str


class Place(Strict):
    """A passage, and what of its document is cited."""

    passage: Text
    quotes: list[Quote] = Field(default_factory=list)
    snapshot: Text = ""


class Said(Strict):
    """What somebody says of an answer, or takes back with an empty ``verdict``."""

    judged: str
    seal: str
    verdict: Literal["up", "down", ""]
    reasons: list[Reason]
    note: str
    judge: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class Nothing(Strict):
    """No wish."""


def _page(request: Request) -> None:
    """Only the page itself goes on, where one has to sign in."""
    _service_of(request).admit_page(request.headers.get(KEY, ""))


def _service_of(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


class _Told(JSONResponse):
    """JSON in which halves of characters, as a question may hold, are replaced."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


router = APIRouter(dependencies=[Depends(_page)])


async def _run(request: Request, work: Callable[[], Any]) -> Response:
    found = await anyio.to_thread.run_sync(work, limiter=request.app.state.threads)
    return _Told(found)


@router.post("/start")
async def start(request: Request, call: Start) -> Response:
    """What there is to ask."""
    return await _run(request, lambda: asking.start(filter_in(call.only)))


@router.post("/ask")
async def ask(request: Request, call: Question) -> Response:
    """The answer to a question, and all that stands beside it."""
    judge = feedback.judge_named(request.cookies.get(feedback.COOKIE, ""))

    def answer() -> dict[str, Any]:
        before, own = call.before, tuple(call.about.split()[:MOST])
        about = carried(call.question, before) if before else own
        asked = Asked(call.question.strip(), about, filter_in(call.only))
        return asking.answered(asked, call.snapshot, call.source, judge)

    return await _run(request, answer)


@router.post("/reader")
async def reader(request: Request, call: Place) -> Response:
    """A passage in its document."""
    quotes = asking.cited([one.model_dump() for one in call.quotes])
    return await _run(request, lambda: asking.reader_of(call.passage, quotes, call.snapshot))


@router.post("/picture")
async def picture(request: Request, call: Place) -> Response:
    """The page of a passage as a picture."""
    quotes = asking.cited([one.model_dump() for one in call.quotes])
    return await _run(request, lambda: asking.page_of(call.passage, quotes))


@router.post("/choices")
async def choices(request: Request, call: Nothing) -> Response:  # noqa: ARG001 it has a body
    """What the search can be narrowed by."""
    return await _run(request, asking.choices)


@router.post("/judge")
async def judge(request: Request, call: Said) -> Response:
    """Keep what somebody says of an answer."""
    return await _run(request, lambda: feedback.kept(**call.model_dump()))


async def told(request: Request, error: PassagesError) -> Response:  # noqa: ARG001
    """An error of ours, as the page shows it."""
    return _Told({"problem": problem_data(error)}, status_of(error))


def create_calls(service: Service) -> FastAPI:
    """What the page of a service asks for, to be mounted at ``/page``."""
    use(service)
    calls = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    calls.state.service = service
    calls.state.routes = router.routes
    calls.state.threads = CapacityLimiter(2 * service.settings.waiting + 40)
    calls.include_router(router)
    calls.add_exception_handler(PassagesError, told)  # type: ignore[arg-type]
    calls.add_exception_handler(RequestValidationError, misread)  # type: ignore[arg-type]
    calls.add_exception_handler(HTTPException, refused)  # type: ignore[arg-type]
    calls.add_exception_handler(Exception, broken)
    return calls
