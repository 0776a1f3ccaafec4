"""Everything that can go wrong in a way we foresaw; each message says what to do next."""

from __future__ import annotations


class PassagesError(Exception):
    """The base of all errors that Passages raises on purpose."""


class CorpusError(PassagesError):
    """The corpus folder is missing, is no folder, or holds nothing that can be indexed."""


class ParseError(PassagesError):
    """A file cannot be read as the format it claims to be."""


class QueryError(PassagesError):
    """The question is empty or too long."""


class NotFoundError(QueryError):
    """The library has no such document or passage."""


class ModelError(PassagesError):
    """The model is missing, incomplete, or not the one that was asked for."""


class IndexMissingError(PassagesError):
    """There is no index yet."""


class IndexMismatchError(PassagesError):
    """The index was made by another model or another version of Passages."""


class IndexDamagedError(PassagesError):
    """A file of the index is missing, truncated or altered."""


class BuildRunningError(PassagesError):
    """Another build holds the lock of this store."""


class StoreError(PassagesError):
    """The store cannot be written."""


class ClusterError(PassagesError):
    """Ray is missing, cannot be reached, or a machine of the cluster lacks something."""


class SnapshotError(PassagesError):
    """There is no such snapshot to go back to."""


class AccessError(PassagesError):
    """Who asks may not do this."""


class TokenError(AccessError):
    """A token is needed, or the one that was sent is not known."""


class BusyError(PassagesError):
    """Too many questions wait already; the next moment may be better."""


class SettingsError(PassagesError):
    """A setting has a value that cannot be used."""


class JudgementsError(PassagesError):
    """The file of judgements is damaged, of a newer version, or cannot be written."""


class MissingExtraError(PassagesError):
    """A package that only some settings need is not installed, or of another version."""


class EngineError(PassagesError):
    """The server that keeps the vectors cannot be used as it is, or as it is set."""


class EngineUnreachableError(EngineError):
    """The server that keeps the vectors does not answer now; it may in a moment."""
