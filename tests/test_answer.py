"""Answers are quotes with their places, or none at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HashEncoder
from test_reader import a_hit

from index.answer import SURE, answer, chosen, cite, quote_of
from index.build import build
from index.confidence import ALONE, Calibration, shipped
from index.encoder import Encoder
from index.extractor import Extractor, Judgement
from index.reader import Reading
from index.records import Answer, Passage
from index.search import Searcher
from index.store import Store

ROOT = Path(__file__).parents[1]
DEPTH = "How deep is the harbour of Porvenir?"
QUERIES = [DEPTH, "Who pays a berth fee?", "How many bees are in a hive?", "How is tea steeped?"]


def always(probability: float) -> Calibration:
    """A calibration that is as sure of every answer."""
    return Calibration("", {}, math.log(probability / (1 - probability)))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, real_encoder: Encoder) -> Searcher:
    """This repository's own corpus, with the real model."""
    store = Store(tmp_path_factory.mktemp("library") / "store")
    build(ROOT / "corpus", store, real_encoder)
    return Searcher(store.open(), real_encoder)


def assert_quotes_are_slices(reply: Answer, searcher: Searcher) -> None:
    table = searcher.snapshot.table
    for citation in reply.citations:
        text = table.text(citation.document_id)
        passage = table.passage_by_id(citation.passage_id)
        assert text is not None
        assert passage is not None
        assert citation.quote == text[citation.start : citation.end]
        assert citation.quote.strip()
        assert passage.start <= citation.start < citation.end <= passage.end
        (hit,) = [hit for hit in reply.hits if hit.rank == citation.number]
        assert hit.passage == passage
        place = citation.start - passage.start, citation.end - passage.start
        assert place in passage.sentences


class TestQuotes:
    @pytest.mark.parametrize("query", QUERIES)
    def test_they_are_slices_of_the_document_where_they_say(
        self, query: str, searcher: Searcher
    ) -> None:
        reply = answer(query, searcher, threshold=0)
        assert 1 <= len(reply.citations) <= 5
        assert_quotes_are_slices(reply, searcher)

    def test_the_best_comes_first_and_none_is_quoted_twice(self, searcher: Searcher) -> None:
        for query in QUERIES:
            citations = answer(query, searcher, calibration=always(0.9)).citations
            scores = [citation.score for citation in citations]
            assert scores == sorted(scores, reverse=True)
            assert len({citation.quote for citation in citations}) == len(citations) >= 1

    @pytest.mark.parametrize(
        ("query", "most"),
        [("badger cubs", 3), ("List badger cubs", 5), ("Why do badger cubs play?", 4)],
    )
    def test_no_more_are_quoted_than_the_question_wants_however_many_fit(
        self, query: str, most: int, tmp_path: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts" / "cubs.txt").write_text(
            "Badger cubs sleep underground. Badger cubs drink milk. Badger cubs learn digging. "
            "Badger cubs fear foxes. Badger cubs play outside. "
            "Badger cubs dream often. Badger cubs smell well."
        )
        build(tmp_path / "texts", store, encoder)
        searcher = Searcher(store.open(), encoder)
        reply = answer(query, searcher, calibration=always(0.9))
        assert 1 <= len(reply.citations) <= most

    def test_a_sentence_that_stands_twice_is_quoted_once(
        self, tmp_path: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (tmp_path / "texts").mkdir()
        for name in ("one", "two"):
            (tmp_path / "texts" / f"{name}.md").write_text(
                f"# {name}\n\nThe moat around the castle is nine feet wide.\n\nAnd {name}.\n"
            )
        build(tmp_path / "texts", store, encoder)
        searcher = Searcher(store.open(), encoder)
        reply = answer("How wide is the castle moat?", searcher, calibration=always(0.9))
        quotes = [citation.quote for citation in reply.citations]
        assert quotes.count("The moat around the castle is nine feet wide.") == 1
        assert sum("moat" in hit.passage.text for hit in reply.hits) == 2

    def test_those_of_other_scripts_have_exact_places(
        self, tmp_path: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts" / "mixed.txt").write_text(
            "🦉🦉 Owls 👩‍👩‍👧‍👦 hear mice. הינשוף שומע עכברים. The 𝔬𝔴𝔩 rests at noon.",
            encoding="utf-8",
        )
        build(tmp_path / "texts", store, encoder)
        searcher = Searcher(store.open(), encoder)
        for query, quote in [
            ("Who may hear mice?", "🦉🦉 Owls 👩‍👩‍👧‍👦 hear mice."),
            ("עכברים הינשוף", "הינשוף שומע עכברים."),
            ("Who rests at noon?", "The 𝔬𝔴𝔩 rests at noon."),
        ]:
            reply = answer(query, searcher, threshold=0)
            assert reply.citations[0].quote == quote
            assert_quotes_are_slices(reply, searcher)

    def test_the_text_is_the_quotes_with_their_numbers(self, searcher: Searcher) -> None:
        reply = answer(DEPTH, searcher, threshold=0)
        first = reply.citations[0]
        assert reply.text.startswith(f"{first.quote} [{first.number}]")
        assert reply.text.count("[") >= len(reply.citations)

    def test_the_question_is_kept_without_white_space_around_it(self, searcher: Searcher) -> None:
        assert answer(f"  {DEPTH}\n", searcher).query == DEPTH


class TestAbstaining:
    @pytest.mark.parametrize("query", QUERIES)
    def test_below_the_threshold_nothing_is_quoted_but_the_nearest_are_shown(
        self, query: str, searcher: Searcher
    ) -> None:
        sure = answer(query, searcher).confidence
        answered = answer(query, searcher, threshold=sure)
        declined = answer(query, searcher, threshold=math.nextafter(sure, 2))
        assert answered.answered
        assert answered.citations
        assert not declined.answered
        assert (declined.citations, declined.match, declined.text) == ((), "none", "")
        assert declined.hits == answered.hits != ()
        assert declined.confidence == sure

    def test_threshold_0_answers_everything(self, searcher: Searcher) -> None:
        reply = answer("zeppelin", searcher, threshold=0)
        assert reply.answered
        assert len(reply.citations) == 1
        assert reply.match == "weak"

    def test_threshold_1_answers_nothing(self, searcher: Searcher) -> None:
        for query in QUERIES:
            reply = answer(query, searcher, threshold=1)
            assert not reply.answered
            assert not reply.citations

    def test_the_calibrated_threshold_is_where_weak_begins(self, searcher: Searcher) -> None:
        weak = ALONE.weak
        assert answer(DEPTH, searcher, calibration=always(weak + 0.001)).answered
        assert not answer(DEPTH, searcher, calibration=always(weak - 0.001)).answered

    def test_without_hits_there_is_no_answer(
        self, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Searcher, "search", lambda *_: [])
        reply = answer(DEPTH, searcher, threshold=0)
        assert (reply.answered, reply.confidence, reply.hits) == (False, 0.0, ())


def test_a_heading_in_capitals_is_no_answer(tmp_path: Path, encoder: HashEncoder) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.txt").write_text(
        "PURPOSE OF THE LAMP. The purpose of the lamp is to show ships the way into the harbour."
    )
    store = Store(tmp_path / "store")
    build(tmp_path / "corpus", store, encoder)
    reply = answer("What is the purpose of the lamp?", Searcher(store.open(), encoder), threshold=0)
    assert reply.citations[0].quote.startswith("The purpose")
    assert not any(cited.quote.isupper() for cited in reply.citations)


class TestMatch:
    @pytest.mark.parametrize(
        ("sure", "match"),
        [(0.99, "strong"), (0.66, "strong"), (0.64, "partial"), (0.46, "partial"),
         (0.44, "weak"), (0.26, "weak"), (0.24, "none")],
    )  # fmt: skip
    def test_the_confidence_is_said_in_words(
        self, sure: float, match: str, searcher: Searcher
    ) -> None:
        words = Calibration("", {}, math.log(sure / (1 - sure)), 0.65, 0.45, 0.25)
        reply = answer(DEPTH, searcher, calibration=words)
        assert reply.match == match
        assert reply.answered == (match != "none")
        assert reply.confidence == pytest.approx(sure)

    def test_what_tells_no_time_is_a_weak_answer_to_when(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        (tmp_path / "corpus").mkdir()
        (tmp_path / "corpus/a.md").write_text("The keeper of the lamp signs the book of visitors.")
        store = Store(tmp_path / "store")
        build(tmp_path / "corpus", store, encoder)
        matches = [
            answer(query, Searcher(store.open(), encoder), calibration=always(0.9)).match
            for query in ("Who signs the book of visitors?", "When is the book of visitors signed?")
        ]
        assert matches == ["strong", "weak"]

    def test_of_a_weak_answer_no_words_stand_out(self, searcher: Searcher) -> None:
        class Points:
            """Takes the first three letters of each sentence for the answer."""

            name = "points"

            def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:
                return [
                    Judgement(5.0, tuple(((start, start + 3), 9.0) for start, _ in one.sentences))
                    for one in passages
                ]

        words = {}
        for sure in (0.9, 0.3):
            logit = math.log(sure / (1 - sure))
            fitted = Calibration(shipped("points").reader, {}, logit, 0.65, 0.45, 0.25)
            reply = answer(DEPTH, searcher, Points(), calibration=fitted)
            words[reply.match] = {cited.words is not None for cited in reply.citations}
        assert words == {"strong": {True}, "weak": {False}}

    def test_each_word_begins_at_its_own_number(self) -> None:
        assert ALONE.match(ALONE.strong) == "strong"
        assert ALONE.match(ALONE.partial) == "partial"
        assert ALONE.match(math.nextafter(ALONE.partial, 0)) == "weak"
        assert ALONE.match(0) == "weak"

    def test_a_weak_match_quotes_one_sentence(self, searcher: Searcher) -> None:
        counts = []
        for query in QUERIES:
            weak = answer(query, searcher, calibration=always(0.3))
            strong = answer(query, searcher, calibration=always(0.9))
            assert weak.citations == strong.citations[:1]
            counts.append(len(strong.citations))
        assert max(counts) > 1, "or every answer is one sentence anyway"


class TestTheRealModelOnTheRealCorpus:
    @pytest.mark.parametrize(
        ("query", "document", "words"),
        [
            ("Which file formats can Passages read?", "guide/limits.md", "Markdown"),
            ("How many characters may a question have?", "guide/asking.md", "1,000"),
            (
                "Which countries have ties with the Islamic Nation?",
                "defense-diplomacy.md",
                "Pakistan",
            ),
        ],
    )
    def test_what_it_says_is_answered_from_the_right_document(
        self, query: str, document: str, words: str, library: Searcher
    ) -> None:
        reply = answer(query, library)
        assert reply.answered
        assert reply.match in ("strong", "partial")
        assert reply.citations[0].document_id == document
        assert words in reply.text
        assert_quotes_are_slices(reply, library)

    @pytest.mark.parametrize(
        "query",
        [
            "How is rye bread baked?",
            "What is the boiling point of mercury?",
            "How many moons does Jupiter have?",
            "🪐",
        ],
    )
    def test_what_it_does_not_say_is_declined(self, query: str, library: Searcher) -> None:
        reply = answer(query, library)
        assert not reply.answered
        assert not reply.citations
        assert reply.hits


def test_other_documents_are_heard_however_sure_the_first_ones_are(
    tmp_path: Path, real_encoder: Encoder, extractor: Extractor
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for year, dollars in {2016: 12, 2019: 15}.items():
        (corpus / f"rules-{year}.md").write_text(
            f"# Harbour rules of {year}\n\nA ship has to report to the harbour master.\n\n"
            f"The berth fee in the harbour of Porvenir is {dollars} dollars a day.\n\n"
            "Nobody may fish from the pier at night.\n"
        )
    effects = ["headache and nausea", "dizziness and a dry mouth", "a rash", "liver failure"]
    for number, effect in enumerate(effects, start=1):
        (corpus / f"study-{number}.md").write_text(
            f"# Study {number} of Zolamine\n\nA side effect of Zolamine is {effect}.\n"
        )
    store = Store(tmp_path / "store")
    build(corpus, store, real_encoder)
    searcher = Searcher(store.open(), real_encoder)

    reply = answer("How much is the berth fee in the harbour of Porvenir?", searcher, extractor)
    assert {"12", "15"} <= {word for one in reply.citations for word in one.quote.split()}

    reply = answer("What are the side effects of Zolamine?", searcher, extractor)
    read = " ".join(hit.passage.text for hit in reply.hits if hit.relevance is not None)
    assert [effect for effect in effects if effect not in read] == []
    assert len(reply.citations) > 2


class TestOrder:
    TEXTS = ("Ferries sail at six.", "Otters hunt crabs.", "Crabs hide in mud.")

    def reading(self, rank: int, sentence: int, score: float) -> Reading:
        hit = a_hit()
        text = " ".join(f"{text[:-1]} {'abc'[rank - 1]}." for text in self.TEXTS)
        start = text.index(self.TEXTS[sentence][:-1])
        span = start, text.index(".", start) + 1
        starts = [text.index(one[:-1]) for one in self.TEXTS]
        sentences = tuple((begin, text.index(".", begin) + 1) for begin in starts)
        passage = replace(hit.passage, text=text, sentences=sentences)
        hit = replace(hit, rank=rank, row=rank, passage=passage)
        return Reading(hit, span, score, 0.5, 0.5, words=span, margin=1.0)

    def test_the_best_sentence_is_first_and_the_others_are_as_one_reads_them(self) -> None:
        readings = [
            self.reading(2, 1, 6.5),
            self.reading(1, 0, 6.2),
            self.reading(2, 2, 4.0),
            self.reading(2, 0, 3.5),
        ]
        picked = [(one.hit.rank, quote_of(one)) for one in chosen(readings, "list")]
        assert picked == [
            (2, "Otters hunt crabs b."),
            (2, "Crabs hide in mud b."),
            (1, "Ferries sail at six a."),
        ]

    def said(self, *texts: str) -> list[Reading]:
        """Sentences of passages of their own, the likeliest first."""
        readings = []
        for rank, text in enumerate(texts, start=1):
            hit = replace(a_hit(), rank=rank, row=rank)
            span = 0, len(text)
            hit = replace(hit, passage=replace(hit.passage, text=text, sentences=(span,)))
            readings.append(Reading(hit, span, 5 - rank / 10, 0.5, 0.5, words=span, margin=1.0))
        return readings

    def test_who_contradicts_is_heard_and_who_repeats_is_not(self) -> None:
        eight, nine = (
            "The office opens at 8 a.m. on weekdays.",
            "The office opens at 9 a.m. on weekdays.",
        )
        assert len(chosen(self.said(eight, nine), "fact")) == 2
        assert len(chosen(self.said(eight, eight), "fact")) == 1
        assert len(chosen(self.said(eight, "On weekdays the office opens."), "fact")) == 1
        paris, rome = "They will meet in Paris again.", "They will meet in Rome again."
        assert len(chosen(self.said(paris, rome), "fact")) == 2

    def test_a_sentence_without_words_that_answer_is_not_added(self) -> None:
        first, second = self.said("The alarm is tested on Mondays.", "Smoking is not allowed here.")
        for margin, kind, expected in (
            (-0.5, "fact", 1),
            (0.5, "fact", 2),
            (-1.5, "list", 2),
            (-2.5, "list", 1),
        ):
            readings = [first, replace(second, margin=margin)]
            assert len(chosen(readings, kind)) == expected

    @pytest.mark.parametrize(
        ("text", "words", "bold"),
        [
            ("2. CJCSI 3520.01B is canceled.", "2", None),
            ("3.1. A provider is a physician.", "3.1", None),
            ("(b) An award is vacated.", "(b", None),
            ("2. CJCSI 3520.01B is canceled.", "CJCSI 3520.01B", "CJCSI 3520.01B"),
            ("2. CJCSI 3520.01B is canceled.", "2. CJCSI 3520.01B", "2. CJCSI 3520.01B"),
            ("14.5 metres is its depth.", "14.5", "14.5"),
            ("12 ships sailed.", "12", "12"),
            ("It has 2. No more.", "2", "2"),
        ],
    )
    def test_the_number_of_a_paragraph_is_no_answer(
        self, text: str, words: str, bold: str | None
    ) -> None:
        (reading,) = self.said(text)
        start = text.index(words)
        reading = replace(reading, words=(start, start + len(words)), margin=SURE)
        cited = cite(reading)
        assert cite(replace(reading, margin=SURE - 0.1)).words is None
        begin = reading.hit.passage.start
        found = cited.words and text[cited.words[0] - begin : cited.words[1] - begin]
        assert found == bold

    def test_what_leads_to_a_list_is_quoted_with_its_items(self) -> None:
        texts = ("The fee is the lesser of:", "(a) ten dollars;", "(b) a tenth.", "It is due now.")
        whole = " ".join(texts)
        spans = tuple((whole.index(text), whole.index(text) + len(text)) for text in texts)
        hit = a_hit()
        hit = replace(hit, passage=replace(hit.passage, text=whole, sentences=spans))
        readings = [
            Reading(hit, span, score, 0.5, 0.5, words=span, margin=margin)
            for span, score, margin in zip(
                spans, (8.0, 1.0, 1.0, 1.0), (9.0, *[-9.0] * 3), strict=True
            )
        ]
        assert [quote_of(one) for one in chosen(readings, "fact")] == list(texts[:3])
        assert [quote_of(one) for one in chosen(readings, "fact", only=True)] == [texts[0]]
        lead, _, item, after = readings
        readings = [replace(item, score=9.0, margin=9.0), replace(lead, score=1.0, margin=-9.0)]
        assert [quote_of(one) for one in chosen(readings, "fact")] == [texts[0], texts[2]]
        readings = [replace(after, score=9.0, margin=9.0), readings[1]]
        assert [quote_of(one) for one in chosen(readings, "fact")] == [texts[3]]
        texts = ("The fee is the lesser of:", "Ten dollars.", "A tenth.", "It is due.")
        whole = "\n\n".join(texts[:3]) + " " + texts[3]
        spans = tuple((whole.index(text), whole.index(text) + len(text)) for text in texts)
        hit = replace(hit, passage=replace(hit.passage, text=whole, sentences=spans))
        readings = [replace(lead, hit=hit, span=span, words=span) for span in spans]
        readings[0] = replace(readings[0], score=9.0, margin=9.0)
        assert [quote_of(one) for one in chosen(readings, "fact")] == list(texts[:3])
        readings[1] = replace(readings[1], score=99.0, margin=9.0)
        assert quote_of(chosen(sorted(readings, key=lambda one: -one.score), "fact")[0]) == texts[1]
        (alone,) = self.said("The fee is the lesser of:")
        assert chosen([alone], "fact") == [alone]

    def test_steps_that_stand_together_are_told_together(self) -> None:
        texts = ("Keep calm.", "Call for help.", "Close all doors.", "Leave by the stairs.")
        hit = a_hit()
        whole = " ".join(texts)
        spans = tuple((whole.index(text), whole.index(text) + len(text)) for text in texts)
        hit = replace(hit, passage=replace(hit.passage, text=whole, sentences=spans))
        scores, margins = (8.0, 5.0, 6.5, 5.4), (9.0, -3.0, 5.0, 1.0)
        steps = [
            Reading(hit, span, score, 0.5, 0.5, words=span, margin=margin)
            for span, score, margin in zip(spans, scores, margins, strict=True)
        ]
        (aside,) = self.said("Smoking is not allowed in the rooms.")
        aside = replace(aside, score=5.5, hit=replace(aside.hit, rank=2, row=2))
        readings = sorted([*steps, aside], key=lambda one: -one.score)
        assert [quote_of(one) for one in chosen(readings, "how")][:4] == list(texts)
        assert quote_of(chosen(readings, "fact")[0]) == texts[0]

    def test_a_fact_is_told_in_the_order_of_likelihood(self) -> None:
        readings = [self.reading(3, 1, 5.0), self.reading(1, 0, 4.5), self.reading(3, 0, 4.4)]
        assert chosen(readings, "fact") == readings[:2]
        assert chosen(readings, "fact", only=True) == readings[:1]
