"""What the API takes and gives back, as types: its description is generated from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.rebuild import BuildState
from app.service import Status
from index.filters import DATE, Filter
from index.records import Answer, DocumentSummary, Hit, Passage
from index.search import LONGEST_QUERY

SEEN = r"[^\s\x1c-\x1f\x85\ufeff]"
"""What a question must have: a character that is no white space, whoever reads this expression."""

_DATE = "^(" + DATE.replace(r"\d", "[0-9]") + ")?$"

Question = Annotated[
    str, Field(max_length=LONGEST_QUERY, json_schema_extra={"pattern": SEEN})
]  # the library says of an empty one what it says everywhere
Date = Annotated[str, StringConstraints(pattern=_DATE, max_length=10)]
Text = Annotated[str, StringConstraints(max_length=1000)]


def _whole(value: object) -> object:
    """To JSON 5.0 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Strict(BaseModel):
    """A request: a name that it does not know is an error, not a wish that is overlooked."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Narrowed(Strict):
    """The documents to ask; an empty value leaves all."""

    folder: Text = ""
    format: Text = ""
    document: Text = ""
    author: Text = ""
    since: Date = ""
    until: Date = ""

    def filter(self) -> Filter:
        """The same as the library has it."""
        return Filter(**self.model_dump())


class AskRequest(Strict):
    """A question, and how to answer it."""

    question: Question = Field(examples=["What is defense diplomacy?"])
    filter: Narrowed = Narrowed()
    hits: Whole = Field(5, ge=1, le=100, description="hits to give back, beside what is quoted")
    threshold: float | None = Field(
        None, ge=0, le=1, description="least confidence to answer with; default: the service's own"
    )


class AskReply(BaseModel):
    """An answer; ``text`` is its quotes with their numbers."""

    answer: Answer
    text: str
    snapshot: str
    milliseconds: float


class SearchRequest(Strict):
    """Words to look for."""

    query: Question
    filter: Narrowed = Narrowed()
    k: Whole = Field(10, ge=1, le=100, description="hits to give back")


class SearchReply(BaseModel):
    """The nearest passages, the best first."""

    hits: list[Hit]
    snapshot: str
    milliseconds: float


class Documents(BaseModel):
    """Some of the documents, and how many there are."""

    total: int
    documents: list[DocumentSummary]


class DocumentReply(BaseModel):
    """A document and some of its passages in order."""

    document: DocumentSummary
    passages: list[Passage]


class PassageReply(BaseModel):
    """A passage, and the address of the page that shows it in its document."""

    passage: Passage
    page: str


class StatusReply(BaseModel):
    """The index, the service and the last build."""

    index: Status
    build: BuildState | None
    waiting: int
    read_only: bool


class RollbackRequest(Strict):
    """Where to go back to."""

    to: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="a snapshot's id; default: the one before the current one"
    )


class RollbackReply(BaseModel):
    """The snapshot that is current now."""

    snapshot: str


class Problem(BaseModel):
    """An error (RFC 9457); ``detail`` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[str] = []
