"""The documents that files were read as: a file that has not changed is not parsed again.

Small texts are not kept: to parse them is as quick as to fetch them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from index.cache import Cache
from index.corpus import Source
from index.parsers import ocr
from index.parsers.workers import SECONDS, Limits, Parsed, is_quick, parse_all
from index.records import Block, Document, Extent

LIBRARIES = "pypdfium2 python-docx python-pptx selectolax lxml docutils".split()
"""What parsers read with: another version may read a file otherwise."""

Parse = Callable[[Iterable[tuple[Path, str]], Limits], Iterator[Parsed]]
"""What parses ``(path, document id)`` pairs and yields what becomes of each, in order."""


def read_files(
    sources: Sequence[Source],
    digests: Mapping[str, str],
    path: Path,
    seconds: float = SECONDS,
    parse: Parse | None = None,
) -> Iterator[Parsed]:
    """What becomes of each file, in order; ``path`` is where documents are kept.

    A file may take some ``seconds``; one that not all pages could be read of in them is not kept.
    ``parse`` is what parses: processes of this machine, unless something else is given.

    ``digests`` are the SHA-256 of the files by document id. What is kept of other files is
    forgotten at the end.

    Raises:
        OSError: the cache cannot be written.
    """
    cache = Cache(path, f"{_parsers()} {ocr.engine() if with_pictures(digests) else ''}")
    try:
        keys = {
            source.document_id: f"{source.document_id}\0{digests[source.document_id]}"
            for source in sources
            if source.document_id in digests and not is_quick(source.path)
        }
        known = cache.known(list(keys.values()))
        new = [source for source in sources if keys.get(source.document_id) not in known]
        limits = Limits(seconds)
        files = ((source.path, source.document_id) for source in new)
        parsed = (parse or parse_all)(files, limits)
        for source in sources:
            key = keys.get(source.document_id)
            if key not in known:
                done = next(parsed)
            elif value := cache.get([key]).get(key):
                yield _unpacked(value)
                continue
            else:  # damaged since
                (done,) = parse_all([(source.path, source.document_id)], limits)
            # Another digest: the file was changed meanwhile.
            document = done.document
            if key and document and key.endswith(document.digest) and not document.extent.unreached:
                cache.put([(key, _packed(done))])
            yield done
        cache.keep(keys.values())
    finally:
        cache.close()


def with_pictures(document_ids: Iterable[str]) -> bool:
    """Whether there may be pages among the files that only OCR can read."""
    return any(name.lower().endswith((".pdf", ".eml")) for name in document_ids)


@lru_cache(maxsize=1)
def _parsers() -> str:
    """Changes whenever the same file might be read otherwise: with our code and its libraries."""
    content = hashlib.sha256()
    for path in sorted(Path(ocr.__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    for library in LIBRARIES:
        try:
            content.update(f"{library} {version(library)}\0".encode())
        except PackageNotFoundError:
            content.update(f"{library}\0".encode())
    return content.hexdigest()


def versions() -> dict[str, str]:
    """What two machines must have in common to read and encode alike, with its version."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    found = {"Passages": code.hexdigest()[:12], "OCR": ocr.engine()}
    for library in [*LIBRARIES, *"sentencex tokenizers openvino torch numpy pyarrow".split()]:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library).split("+")[
                0
            ]  # for CPUs and GPUs torch is built apart
        found.setdefault(library, "")
    return found


def _packed(parsed: Parsed) -> bytes:
    assert parsed.document is not None  # noqa: S101 only documents are kept
    fields = asdict(parsed.document)
    fields["blocks"] = [astuple(block) for block in parsed.document.blocks]
    return zlib.compress(json.dumps([parsed.seconds, fields], ensure_ascii=False).encode(), 1)


def _unpacked(value: bytes) -> Parsed:
    seconds, fields = json.loads(zlib.decompress(value))
    fields["blocks"] = tuple(
        Block(start, end, tuple(headings), *more)
        for start, end, headings, *more in fields["blocks"]
    )
    extent: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields["extent"].items()
    }
    fields["extent"] = Extent(**extent)
    return Parsed(Document(**fields), "", seconds)
