"""Settings: each source beats the ones before it, and a bad value is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, load_settings
from index.errors import SettingsError


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder with none of our variables set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PASSAGES_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_serve_this_machine_only() -> None:
    settings = load_settings()
    assert settings.corpus == Path("corpus")
    assert settings.store == Path(".store")
    assert (settings.host, settings.port) == ("127.0.0.1", 8501)
    assert settings.model == ""
    assert settings.threshold is None
    assert settings.allowed_hosts == ()


def test_each_source_beats_the_ones_before_it(
    clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_place / "passages.toml").write_text("port = 9001\ntop_k = 7\nhost = '::1'\n")
    assert load_settings().port == 9001
    monkeypatch.setenv("PASSAGES_PORT", "9002")
    assert load_settings().port == 9002
    assert load_settings(port=9003).port == 9003
    assert load_settings(port=9003).top_k == 7


def test_a_flag_that_is_none_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSAGES_TOP_K", "9")
    assert load_settings(top_k=None).top_k == 9


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSAGES_THRESHOLD", "")
    assert load_settings().threshold is None


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.port = 1


def test_allowed_hosts_are_a_list_in_the_file_and_commas_in_the_environment(
    clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_place / "passages.toml").write_text('allowed_hosts = ["one.example"]\n')
    assert load_settings().allowed_hosts == ("one.example",)
    monkeypatch.setenv("PASSAGES_ALLOWED_HOSTS", "one.example, two.example")
    assert load_settings().allowed_hosts == ("one.example", "two.example")


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(corpus="~/papers").corpus == tmp_path / "papers"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("THRESHOLD", "1.5", "less than or equal to 1"),
        ("THRESHOLD", "nan", "less than or equal to 1"),
        ("TOP_K", "0", "greater than or equal to 1"),
    ],
)
def test_a_bad_value_is_named_with_its_source_and_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PASSAGES_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert f"{name.lower()} = " in message
    assert value in message
    assert f"PASSAGES_{name}" in message
    assert allowed in message


def test_a_bad_value_in_the_file_and_on_the_command_line_name_their_source(
    clean_place: Path,
) -> None:
    (clean_place / "passages.toml").write_text("port = 'x'\n")
    with pytest.raises(SettingsError, match=r"from passages\.toml"):
        load_settings()
    with pytest.raises(SettingsError, match="from the command line"):
        load_settings(port=0)


def test_an_unknown_key_in_the_file_is_named_with_the_nearest_known_one(clean_place: Path) -> None:
    (clean_place / "passages.toml").write_text("top-k = 3\n")
    with pytest.raises(SettingsError, match=r"passages\.toml has .*'top-k'; did you mean 'top_k'"):
        load_settings()


def test_an_unknown_key_like_no_other_lists_the_known_ones(clean_place: Path) -> None:
    (clean_place / "passages.toml").write_text("zzzzzz = 3\n")
    with pytest.raises(SettingsError, match="'zzzzzz'; known: corpus, store"):
        load_settings()


def test_a_file_that_is_not_toml_says_where_it_breaks(clean_place: Path) -> None:
    (clean_place / "passages.toml").write_text("port 8501\n")
    with pytest.raises(SettingsError, match=r"passages\.toml is not valid TOML: .*line 1"):
        load_settings()


def test_a_file_in_another_encoding_is_an_error_of_ours(clean_place: Path) -> None:
    (clean_place / "passages.toml").write_bytes(b"corpus = '\xe9\xe9'\n")
    with pytest.raises(SettingsError, match=r"passages\.toml"):
        load_settings()
