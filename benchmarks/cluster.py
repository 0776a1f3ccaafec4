"""What engines beyond one machine cost and bring, measured on this one.

python -m benchmarks.cluster milvus --vectors 100000
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence

PARTS = ("milvus", "encode")


def main(arguments: Sequence[str] | None = None) -> None:
    there = [one for one in PARTS if importlib.util.find_spec(f"benchmarks.cluster_{one}")]
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in there:
        sys.exit(f"{__doc__}\nName what to measure: {', '.join(there)}")
    importlib.import_module(f"benchmarks.cluster_{given[0]}").main(given[1:])


if __name__ == "__main__":
    main()
