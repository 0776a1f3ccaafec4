"""txtai with ``hybrid=True``: vectors and BM25, half and half."""

from __future__ import annotations

from benchmarks.peers.adapters.serve import serve
from benchmarks.peers.adapters.txtai import Txtai


class TxtaiHybrid(Txtai):
    hybrid = True


if __name__ == "__main__":
    serve(TxtaiHybrid, "txtai")
