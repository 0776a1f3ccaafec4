"""The systems that are compared, and an environment of its own for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADAPTERS = Path(__file__).with_name("adapters")


class PeerError(Exception):
    """A system cannot be installed or run; the message is the reason, on one line."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A system: ``name`` is its adapter's, ``package`` the one whose version counts as its own."""

    name: str
    title: str
    package: str
    requirements: Path
    setup: str

    @property
    def module(self) -> str:
        return f"{__package__}.adapters.{self.name}"


PASSAGES = Peer(
    "passages",
    "Passages",
    "passages",
    ROOT / "requirements.txt",
    "as it comes; the index is on disk, checksummed and published",
)
PEERS = (
    Peer(
        "faiss",
        "FAISS tutorial",
        "faiss-cpu",
        ADAPTERS / "faiss.txt",
        "chunks of 1,000 characters, `SentenceTransformer.encode`, `IndexFlatIP`, in memory",
    ),
    Peer(
        "txtai",
        "txtai",
        "txtai",
        ADAPTERS / "txtai.txt",
        "`Embeddings(path=…)`, in memory, ids without texts",
    ),
    Peer(
        "txtai_hybrid",
        "txtai, hybrid",
        "txtai",
        ADAPTERS / "txtai.txt",
        "`Embeddings(path=…, hybrid=True)`, in memory, ids without texts",
    ),
    Peer(
        "llamaindex",
        "LlamaIndex",
        "llama-index-core",
        ADAPTERS / "llamaindex.txt",
        "`VectorStoreIndex` in memory, `HuggingFaceEmbedding` in batches of 32, retriever only",
    ),
    Peer(
        "haystack",
        "Haystack",
        "haystack-ai",
        ADAPTERS / "haystack.txt",
        "`InMemoryDocumentStore`, SentenceTransformers embedders, a pipeline with its retriever",
    ),
    Peer(
        "chroma",
        "Chroma",
        "chromadb",
        ADAPTERS / "chroma.txt",
        "`EphemeralClient`, `SentenceTransformerEmbeddingFunction`, a collection's defaults",
    ),
)


def environment(peer: Peer, kept: Path) -> Path:
    """The folder of the peer's environment below ``kept``, made anew where what it needs changed.

    torch comes first, as the project pins it: what depends on torch would bring the newest.

    Raises:
        PeerError: it cannot be installed.
    """
    folder = kept / "environments" / peer.requirements.stem
    wanted = f"{sys.version}\n{peer.requirements.read_text(encoding='utf-8')}"
    done = folder / "passages-peer.txt"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    pip = [str(python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check"]
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, _torch()],
        [*pip, _torch(), "-r", str(peer.requirements)],
    )
    with log.open("w", encoding="utf-8") as lines:
        for step in steps:
            if subprocess.run(step, stdout=lines, stderr=subprocess.STDOUT).returncode:
                lines.flush()
                raise PeerError(f"It cannot be installed: {_reason(log)}")
    done.write_text(wanted, encoding="utf-8")
    return folder


def python_of(environment: Path) -> Path:
    """The Python of an environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder; what links lead to is not counted."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def own_version(peer: Peer) -> dict[str, str]:
    """The version of Passages, which is no package of its environment; of others, nothing."""
    if peer is not PASSAGES:
        return {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {project["name"]: project["version"]}


def _torch() -> str:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def _reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1].removeprefix("ERROR: ")[:300]
