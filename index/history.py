"""What differs between two snapshots; neither is opened but for its list of documents."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass

from index.records import DocumentSummary
from index.snapshot import Manifest
from index.store import Store


@dataclass(frozen=True, slots=True)
class Difference:
    """Documents by their ids, in order, and what was changed in how the index is made.

    ``documents`` and ``passages`` are by how many the newer one has more. ``recipe`` has the names
    of the fields of ``Recipe`` that differ, with the old and the new value.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    documents: int
    passages: int
    recipe: dict[str, tuple[object, object]]

    @property
    def nothing(self) -> bool:
        """Whether both were made of the same documents in the same way."""
        return not (self.added or self.removed or self.changed or self.recipe)


def difference(store: Store, older: Manifest, newer: Manifest) -> Difference:
    """What the newer of two kept snapshots has, lacks and has otherwise than the older one.

    Raises:
        IndexDamagedError: one of them cannot be read, or is no longer kept.
    """
    before, after = (
        {one.id: one.digest for one in _documents(store, manifest)} for manifest in (older, newer)
    )
    old, new = asdict(older.recipe), asdict(newer.recipe)
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
        ),
        documents=newer.documents - older.documents,
        passages=newer.passages - older.passages,
        recipe={name: (old[name], new[name]) for name in old if old[name] != new[name]},
    )


def _documents(store: Store, manifest: Manifest) -> list[DocumentSummary]:
    with contextlib.closing(store.table(manifest.id)) as table:
        return table.documents()
