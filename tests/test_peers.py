"""The comparison with peers, with a fake system: nothing is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import ask, choose
from benchmarks.peers.process import Running
from benchmarks.peers.report import markdown, table
from benchmarks.peers.systems import ADAPTERS, PASSAGES, PEERS, ROOT, Peer, PeerError
from index.evaluate import Query

ADAPTER = '''
from benchmarks.peers.adapters.serve import serve

class Fake:
    """Finds texts that share words with the question."""

    def __init__(self, model, work):
        print("Libraries like to talk.")

    def build(self, texts):
        self.words = [(item.id, set(item.titled.split())) for item in texts]

    def ask(self, question):
        if question == "die":
            raise SystemExit("out of breath")
        asked = set(question.split())
        return [id for id, words in self.words * 2 if words & asked]

serve(Fake, "numpy")
'''


def start(folder: Path, adapter: str = ADAPTER) -> Running:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{adapter}"
    command = [sys.executable, "-c", script, str(folder), str(folder)]
    return Running(command, folder, folder / "log")


def write_data(folder: Path) -> None:
    (folder / "qrels").mkdir()
    lines = [json.dumps({"_id": f"d{n}", "title": "T", "text": f"word{n}"}) for n in range(50)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    lines = [json.dumps({"_id": f"q{n}", "text": f"word{n}"}) for n in range(50)]
    (folder / "queries.jsonl").write_text("\n".join(lines))
    lines = ["query-id\tcorpus-id\tscore", *(f"q{n}\td{n}\t1" for n in range(50))]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines))


@pytest.mark.parametrize(("passages", "kept"), [(20, 20), (3, 5), (0, 50), (99, 50)])
def test_the_documents_that_answer_are_always_among_those_chosen(
    tmp_path: Path, passages: int, kept: int
) -> None:
    write_data(tmp_path)
    corpus, queries, qrels = choose(tmp_path, "test", passages, questions=5)
    assert len(corpus) == kept
    assert len(queries) == 5
    assert {item for query in queries for item in qrels[query.id]} <= {text.id for text in corpus}


def test_a_system_that_dies_is_named_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.jsonl"
    lines = ({"_id": name, "title": "", "text": f"word {name}"} for name in ("one", "two"))
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines))
    queries = [Query("q1", "one"), Query("q2", "two")]
    rows = {"good": {"title": "Good"}, "bad": {"title": "Bad"}}
    (tmp_path / "bad").mkdir()
    mortal = ADAPTER.replace('question == "die"', "True")
    with start(tmp_path) as good, start(tmp_path / "bad", mortal) as bad:
        assert good.versions["numpy"]
        assert good.build(corpus) >= 0
        bad.build(corpus)
        assert good.ask("word")[0] == ["one", "two"]
        ask({"good": good, "bad": bad}, queries, {"q1": {"one": 1}, "q2": {"one": 1}}, rows)
        assert good.quit() > 1e6
    assert rows["good"]["recall@1"] == 0.5
    assert rows["good"]["ask_p50_ms"] > 0
    assert rows["bad"] == {
        "title": "Bad",
        "failed": "It ended with exit code 1: out of breath",
    }


def test_a_system_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"exit code 1: ModuleNotFoundError: .*'no_such_library'"):
        start(tmp_path, "import no_such_library")


def test_table_and_markdown_show_figures_and_failures() -> None:
    figures = {
        "installed_mb": 1234.5,
        "startup_s": 4.25,
        "passages_per_s": 99.7,
        "ask_p50_ms": 7.89,
        "ask_p95_ms": 9.87,
        "memory_mb": 567.8,
        "recall@1": 0.5,
        "mrr@10": 0.625,
        "ndcg@10": 0.75,
    }
    result = {
        "command": "python -m benchmarks.peers --data made-up",
        "machine": {"cpu": "Abacus", "cores": 4, "python": "3.11.7", "system": "Linux"},
        "data": "made-up",
        "split": "test",
        "passages": 1500,
        "questions": 200,
        "systems": {
            "passages": {
                "title": "Passages",
                "version": "1",
                "versions": {"passages": "1"},
                **figures,
            },
            "chroma": {"title": "Chroma", "failed": "It cannot be installed: no room."},
        },
    }
    row = "1 1,234 4.2 100 7.9 9.9 568 0.500 0.625 0.750".split()
    lines = table(result).splitlines()
    assert lines[0] == "made-up (test): 1,500 documents, 200 questions"
    assert lines[2].split() == ["Passages", *row]
    assert "Chroma was not measured. It cannot be installed: no room." in lines
    shown = markdown(result)
    assert "| Passages | " + " | ".join(f"**{cell}**" for cell in row) + " |" in shown
    assert "Abacus, 4 cores" in shown
    assert "- Chroma was not measured. It cannot be installed: no room." in shown


@pytest.mark.parametrize("peer", [PASSAGES, *PEERS], ids=lambda peer: peer.name)
def test_every_peer_has_an_adapter_and_the_project_s_torch(peer: Peer) -> None:
    assert (ADAPTERS / f"{peer.name}.py").is_file()
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    torch = next(line for line in lines if line.startswith("torch=="))
    assert torch in peer.requirements.read_text().splitlines()
