"""Training examples: the tokens that are marked as the answer are the answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from index.eight_bits import in_eight_bits
from index.encoder import packaged_model
from index.extractor import LIMITS, LONGEST, QUESTION, Tokens
from index.network import ReaderNetwork
from training import evaluate, export, limits, train
from training.batches import Batch, row_of
from training.data import squad
from training.examples import SUFFIX, Question, held_out, read, write
from training.loss import loss_of, taught_by
from training.teacher import RenumberedNetwork, network_of

PASSAGE = "The ferry to Sandholm leaves at nine. It carries forty cars and two hundred people."


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(packaged_model())


@pytest.mark.parametrize("answer", ["nine", "forty cars", "The ferry to Sandholm", "people."])
@pytest.mark.parametrize("context", ["", "Ferries › Timetable"])
def test_the_marked_tokens_are_the_answer(tokens: Tokens, answer: str, context: str) -> None:
    start = PASSAGE.index(answer)
    row = row_of(tokens, "When?", context, PASSAGE, [(start, start + len(answer))])
    ((first, last),) = row.spans
    (pair,) = tokens.pairs("", [("", answer)])
    assert row.ids[first : last + 1] == pair.ids[pair.begin : -1]
    assert set(row.types[first : last + 1]) == {1}
    assert row.label == 1


def test_a_passage_without_an_answer_points_to_the_first_token(tokens: Tokens) -> None:
    row = row_of(tokens, "When?", "", PASSAGE, ())
    assert (row.spans, row.label) == ([(0, 0)], 0)


def test_an_answer_that_is_cut_off_is_not_marked(tokens: Tokens) -> None:
    text = "word " * 500 + "nine"
    row = row_of(tokens, "why " * 100, "", text, [(len(text) - 4, len(text))])
    assert row.spans == []
    assert len(row.ids) == LONGEST
    assert row.types.index(1) == QUESTION + 2


def test_articles_of_the_test_split_are_left_out(tmp_path: Path) -> None:
    def article(split: str) -> dict[str, object]:
        asked = {
            "id": split,
            "question": " When does  it leave? ",
            "answers": [{"text": "nine", "answer_start": 2 + PASSAGE.index("nine")}],
        }
        return {
            "title": f"The_{split}_ferry",
            "split": split,
            "paragraphs": [{"context": f"  {PASSAGE}", "qas": [asked]}],
        }

    path = tmp_path / "some.json"
    path.write_text(json.dumps({"data": [article("tune"), article("test")]}))
    questions, passages = squad(path)
    assert passages == [("The tune ferry", PASSAGE)]
    (question,) = questions
    assert question.passage == passages[0]
    assert question.text == "When does it leave?"
    assert [PASSAGE[start:end] for start, end in question.spans] == ["nine"]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight questions to train on and eight to evaluate with, as ``training.data`` writes them."""
    folder = tmp_path_factory.mktemp("examples")
    titles = [f"Ferry {number}" for number in range(200)]
    kept = [title for title in titles if held_out(title)][:8]
    shown = [title for title in titles if not held_out(title)][:8]
    start = PASSAGE.index("nine")
    questions = [
        Question(
            id=title,
            text="When does the ferry to Sandholm leave?",
            passage=(title, PASSAGE),
            spans=((start, start + 4),),
            answers=("nine",),
            misleading=(("Bridges", "The bridge was closed for a year."),),
            elsewhere=(("Trains", "The train leaves at ten."), ("Buses", "There are no buses.")),
        )
        for title in shown + kept
    ]
    write(folder / f"squad-open{SUFFIX}", questions)
    assert [question for _, question in read(folder)] == questions
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An encoder of two thin layers, which is trained in a moment, as an argument."""
    folder = tmp_path_factory.mktemp("small")
    shape = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        BertModel(shape).save_pretrained(folder)
    shutil.copy(packaged_model() / "tokenizer.json", folder)
    return ["--encoder", str(folder)]


def test_a_run_goes_on_where_it_stopped_and_is_exported_and_evaluated(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / "run", tmp_path / "reader.safetensors"
    common = ["--data", str(examples), "--out", str(run), "--questions", "4", "--epochs", "1"]
    train.main([*common, "--minutes", "0.00001"])
    assert export.export([run], out) == [1]
    train.main(common)
    assert export.export([run, run], out) == [2, 2]

    evaluate.main(["--data", str(examples), "--run", str(run)])
    printed = capsys.readouterr().out
    assert printed.startswith("8 questions\n")
    assert len(printed.splitlines()) == 5


def test_runs_are_exported_as_their_mean(examples: Path, small: list[str], tmp_path: Path) -> None:
    runs = []
    for seed in ("1", "2"):
        runs.append(tmp_path / seed)
        common = ["--data", str(examples), "--out", str(runs[-1]), "--questions", "4", *small]
        train.main([*common, "--epochs", "1", "--seed", seed, "--rate", "0.01"])
    files = [tmp_path / "one", tmp_path / "two", tmp_path / "both"]
    for chosen, file in zip((runs[:1], runs[1:], runs), files, strict=True):
        export.export(chosen, file)
    one, two, both = (load_file(file) for file in files)
    assert one.keys() == both.keys()
    for name, tensor in both.items():
        mean = (one[name].float() + two[name].float()) / 2
        assert torch.allclose(tensor.float(), mean, atol=2e-3, rtol=2e-3), name
    assert any(not torch.equal(one[name], two[name]) for name in one)


def test_a_network_that_says_what_its_teacher_says_costs_least() -> None:
    torch.manual_seed(0)
    said = (torch.randn(3), torch.randn(3, 7), torch.randn(3, 7))
    groups = torch.tensor([[0, 1], [2, -1]])
    least = taught_by(said, [said], groups)
    for part in range(3):
        moved = list(said)
        moved[part] = moved[part] + torch.randn_like(moved[part])
        assert taught_by((moved[0], moved[1], moved[2]), [said], groups) > least


def test_words_that_are_likelier_than_none_of_the_gold_ones_cost_most(tokens: Tokens) -> None:
    start = PASSAGE.index("nine")
    row = row_of(tokens, "When?", "", PASSAGE, [(start, start + 4)])
    batch = Batch.of([[row, row_of(tokens, "When?", "", "It rained.", ())]])
    costs = []
    for place in (row.spans[0][0], 0):
        scores = torch.zeros(batch.ids.shape)
        scores[0, place] = scores[1, 0] = 9.0
        costs.append(loss_of((torch.zeros(2), scores, scores), batch))
    assert costs[0].span < 0.5 < costs[1].span
    right, wrong = (
        loss_of((torch.tensor(said), scores, scores), batch) for said in ([3.0, -3.0], [-3.0, 3.0])
    )
    assert right.relevance < wrong.relevance
    assert right.order < wrong.order


def test_an_encoder_that_numbers_the_same_words_otherwise_can_teach(
    examples: Path, small: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "mpnet"
    shape = MPNetConfig(
        vocab_size=30527,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
    )
    MPNetModel(shape).save_pretrained(folder)
    known = json.loads((packaged_model() / "tokenizer.json").read_text())
    vocabulary = known["model"]["vocab"]
    names = {"[CLS]": "<s>", "[PAD]": "<pad>", "[SEP]": "</s>", "[UNK]": "<unk>"}
    known["model"]["vocab"] = {
        **{mark: number for number, mark in enumerate(names.values())},
        **{word: number + 4 for word, number in vocabulary.items()},
    }
    known["added_tokens"], known["post_processor"] = [], None
    known["model"]["unk_token"] = "<unk>"
    (folder / "tokenizer.json").write_text(json.dumps(known))

    network = network_of(folder)
    (number,) = {vocabulary["ferry"]}
    assert isinstance(network, RenumberedNetwork)
    assert int(network.numbers[number]) == number + 4
    assert [int(network.numbers[vocabulary[mark]]) for mark in names] == [0, 1, 2, 3]

    common = ["--data", str(examples), "--questions", "4", "--epochs", "1", "--elsewhere", "1"]
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    train.main([*common, "--out", str(teacher), "--encoder", str(folder), "--dropout", "0.1"])
    train.main([*common, "--out", str(student), *small, "--teachers", str(teacher)])
    assert isinstance(train.averaged(teacher), RenumberedNetwork)
    assert export.export([student], tmp_path / "weights.safetensors") == [2]


def test_a_network_learns_what_its_teacher_says(
    examples: Path, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(examples), "--questions", "4", "--epochs", "1", *small]
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    train.main([*common, "--out", str(teacher), "--minutes", "0.00001"])
    train.main([*common, "--out", str(student), "--teachers", str(teacher)])
    network, taught = train.averaged(teacher), train.averaged(student)
    assert any(
        not torch.equal(one, other)
        for one, other in zip(network.parameters(), taught.parameters(), strict=True)
    )

    with pytest.raises(SystemExit):
        train.main([*common, "--out", str(student), "--teachers", str(tmp_path / "none")])
    assert "--teachers: " in capsys.readouterr().err


@pytest.mark.parametrize("times", ["squad-open", "squad-open=often", "squad-open=-1", "other=2"])
def test_a_source_that_is_not_there_or_no_number_is_said(
    examples: Path, tmp_path: Path, times: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train.main(["--data", str(examples), "--out", str(tmp_path / "run"), "--times", times])
    assert "--times: " in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_limits_are_of_what_enters_the_layers_filling_left_out(tokens: Tokens) -> None:
    network = ReaderNetwork(packaged_model()).eval()
    texts = ["The ferry leaves at nine.", "Copper conducts heat. " * 9, "It rains."]
    pairs = tokens.pairs("When does the ferry leave?", [("Ferries", text) for text in texts])
    found = limits.measured(network, pairs)
    assert set(found) == set(load_file(LIMITS))

    name = "encoder.encoder.layer.0.attention.self.query"
    divisors = found[f"{name}.divisors"]
    with torch.no_grad():
        entering = [
            network.encoder.embeddings(
                input_ids=torch.tensor([pair.ids]), token_type_ids=torch.tensor([pair.types])
            )[0]
            / divisors
            for pair in pairs
        ]
    least, most = found[f"{name}.limits"].tolist()
    assert least == pytest.approx(min(float(one.min()) for one in entering), abs=1e-4)
    assert most == pytest.approx(max(float(one.max()) for one in entering), abs=1e-4)

    before, after = (
        limits.outputs(each, pairs)[0] for each in (network, in_eight_bits(network, found))
    )
    apart = (before[0] - after[0]).abs().max()
    assert 0 < apart < 0.1
