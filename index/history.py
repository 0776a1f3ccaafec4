"""What differs between two snapshots."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from index.store import Snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """Documents by their ids, in order, and what was changed in how the index is made.

    ``recipe`` has the names of the fields of ``Recipe`` that differ, with the old and new value.
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


def difference(older: Snapshot, newer: Snapshot) -> Difference:
    """What the newer snapshot has, lacks and has otherwise than the older one.

    ``documents`` and ``passages`` are by how many it has more.
    """
    before, after = (
        {one.id: one.digest for one in snapshot.table.documents()} for snapshot in (older, newer)
    )
    recipes = asdict(older.manifest.recipe), asdict(newer.manifest.recipe)
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
        ),
        documents=newer.manifest.documents - older.manifest.documents,
        passages=newer.manifest.passages - older.manifest.passages,
        recipe={
            name: (value, recipes[1][name])
            for name, value in recipes[0].items()
            if value != recipes[1][name]
        },
    )
