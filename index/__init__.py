"""Passages: questions answered in the documents' own words, with the place they stand in.

Six names do the whole job; what they return is described in ``index.records``, what they raise
in ``index.errors``.
"""

from __future__ import annotations

from index.answer import answer
from index.build import build
from index.encoder import Encoder
from index.extractor import Extractor
from index.search import Searcher
from index.store import Store

VERSION = "0.1.0"

__all__ = ["VERSION", "Encoder", "Extractor", "Searcher", "Store", "answer", "build"]
