"""The one table of settings, and where their values come from.

Each source beats the ones before it: the defaults below, ``passages.toml`` in the working
directory, environment variables (``PASSAGES_PORT``), flags of the command line. This file reads
settings and checks them; it opens no index and creates no folder. Nothing in ``index/`` knows it.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from index.errors import SettingsError

FILE = "passages.toml"
PREFIX = "PASSAGES_"


class Settings(BaseSettings):
    """What can be set; ``load_settings`` makes one and turns bad values into a SettingsError."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_ignore_empty=True,
        toml_file=FILE,
        validate_default=True,
    )

    corpus: Path = Field(Path("corpus"), description="folder that holds the documents")
    store: Path = Field(Path(".store"), description="folder that holds the index")
    host: str = Field("127.0.0.1", min_length=1, description="address the page is served on")
    port: int = Field(8501, ge=1, le=65535, description="port the page is served on")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="names by which browsers may call the page, beside this machine's own"
    )
    access: Literal["", "open", "login"] = Field(
        "",
        description="who gets in: everybody ('open'), or who signs in or has a token ('login'); "
        "needed to serve other machines",
    )
    managers: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="mail addresses of who may change the library with access = 'login'; or *"
    )
    rate_limit: str = Field(
        "",
        description="requests of one client to the API, for instance 300/minute; empty: any on "
        "this machine, 600/minute elsewhere",
    )
    waiting: int = Field(
        64, ge=0, le=10_000, description="questions that may wait; more are told to come back"
    )
    memory_mb: int = Field(
        500, ge=0, description="megabytes up to which the served index is held in memory"
    )
    log_format: Literal["text", "json"] = Field("text", description="how requests are logged")
    log_questions: bool = Field(False, description="log what is asked, too")
    watch: bool = Field(False, description="rebuild whenever a file of the corpus changes")
    model: str = Field(
        "", description="sentence-transformers name or path; empty: the packaged all-MiniLM-L6-v2"
    )
    encoder: Literal["auto", "openvino", "torch"] = Field(
        "auto", description="what runs the models; auto: OpenVINO on a CPU, torch on a GPU"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where torch runs the model; auto: a GPU if there is one"
    )
    engine: Literal["local", "ray"] = Field(
        "local", description="what reads and encodes: this process, or workers with Ray"
    )
    ray_address: str = Field(
        "", description="host:port of the Ray cluster for engine = 'ray'; empty: this machine"
    )
    reader: str = Field(
        "",
        description="what reads a question with its passages; empty: the packaged reader; 'none'; "
        "or the name or path of a sentence-transformers cross-encoder",
    )
    vectors: Literal["faiss", "milvus"] = Field(
        "faiss", description="what keeps the vectors: files of the store, or a Milvus server"
    )
    milvus_uri: str = Field(
        "http://127.0.0.1:19530",
        pattern=r"^((https?|tcp)://|unix:).+$",
        description="address of the Milvus server: one machine's, a cluster's or a hosted one's",
    )
    milvus_token: str = Field("", repr=False, description="user:password, or a hosted server's key")
    milvus_name: str = Field(
        "passages",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="name of this library in the Milvus server",
    )
    shared: str = Field(
        "",
        description="folder or URL, such as s3://bucket/passages, from which every server that "
        "uses the same Milvus fetches the rest of the index; each library in a folder of its name",
    )
    exact_up_to: int = Field(
        250_000, ge=0, description="passages up to which a question is compared with every one"
    )
    file_seconds: float = Field(
        120, gt=0, le=86_400, description="seconds that reading one file may take"
    )
    recall_floor: float = Field(
        0.97, ge=0, le=1, description="recall@10 below which an approximate index is warned about"
    )
    snapshots: int = Field(
        4, ge=2, le=100, description="snapshots that are kept, to compare and to go back to"
    )
    upload_mb: int = Field(50, ge=1, le=2000, description="megabytes of a file added on the page")
    read_only: bool = Field(False, description="let nobody change anything on the page")
    top_k: int = Field(5, ge=1, le=100, description="hits shown for a question")
    threshold: float | None = Field(
        None, ge=0, le=1, description="confidence below which no answer is given; unset: calibrated"
    )

    feedback: bool = Field(True, description="let people say on the page how good an answer is")

    @field_validator("corpus", "store")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("reader")
    @classmethod
    def _no_reader(cls, name: str) -> str:
        return "none" if name.strip().lower() == "none" else name.strip()

    @field_validator("allowed_hosts", "managers", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(one.strip() for one in value.split(",") if one.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**flags: Any) -> Settings:
    """The settings in force; a flag that is None counts as not given.

    Raises SettingsError naming the key, its value, where that came from and what is allowed.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not valid TOML: {error}.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{FILE} cannot be read: {error}.") from error
    except ValidationError as error:
        sentences = [_explain(dict(detail), given) for detail in error.errors()]
        raise SettingsError(" ".join(sentences)) from error


def _explain(detail: dict[str, Any], flags: dict[str, Any]) -> str:
    key = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key.replace("-", "_").lower(), Settings.model_fields, n=1)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"known: {', '.join(Settings.model_fields)}."
        )
        return f"{_source(key, flags)} has an unknown setting {key!r}; {hint}"
    allowed = str(detail["msg"])
    allowed = allowed[:1].lower() + allowed[1:]
    return f"Setting {key} = {detail['input']!r} (from {_source(key, flags)}): {allowed}."


def _source(key: str, flags: dict[str, Any]) -> str:
    if key in flags:
        return "the command line"
    names = {name.upper() for name, value in os.environ.items() if value}
    variable = f"{PREFIX}{key.upper()}"
    return f"the environment, {variable}" if variable in names else FILE
