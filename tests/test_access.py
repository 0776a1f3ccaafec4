"""Who gets in: tokens, scopes, managers, and what must be set before other machines are served."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HashEncoder

from app import cli
from app.access import PREFIX, Tokens, admit, digest_of, manages
from app.server import check_access
from app.service import Service
from app.settings import Settings, load_settings
from index.errors import AccessError, SettingsError, StoreError, TokenError
from index.store import Store
from tests.browser_harness import ROOT
from tests.programs import Program, running


class TestTokens:
    def test_a_token_is_found_by_its_secret_and_by_nothing_else(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path)
        secret = tokens.new("reporting", "read")
        found = tokens.find(secret)
        assert found is not None
        assert (found.name, found.scope) == ("reporting", "read")
        for wrong in ("", secret[:-1], secret + "x", found.digest, "é\udc80"):
            assert tokens.find(wrong) is None

    def test_only_the_hash_is_kept_for_nobody_else_to_read(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path)
        secret = tokens.new("a", "manage")
        text = tokens.path.read_text()
        assert secret not in text
        assert secret.removeprefix(PREFIX) not in text
        assert digest_of(secret) in text
        assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600

    def test_what_another_process_makes_or_revokes_counts_at_once(self, tmp_path: Path) -> None:
        serving, typing = Tokens(tmp_path), Tokens(tmp_path)
        assert serving.all() == []
        secret = typing.new("a", "read")
        assert serving.find(secret)
        assert typing.revoke("a")
        assert serving.find(secret) is None
        assert not typing.revoke("a")

    def test_a_name_is_given_once(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path)
        tokens.new("a", "read")
        with pytest.raises(SettingsError, match="Revoke it first"):
            tokens.new("a", "manage")
        with pytest.raises(SettingsError, match="cannot name"):
            tokens.new("a\nb", "read")
        assert [one.name for one in tokens.all()] == ["a"]

    def test_a_damaged_file_lets_nobody_in(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path)
        secret = tokens.new("a", "read")
        tokens.path.write_text('[{"name": ')
        with pytest.raises(StoreError, match="Delete it"):
            tokens.find(secret)

    def test_ten_processes_lose_no_token(self, tmp_path: Path) -> None:
        code = "import sys; from pathlib import Path; from app.access import Tokens; "
        code += "Tokens(Path(sys.argv[1])).new(sys.argv[2], 'read')"
        makers = [
            subprocess.Popen([sys.executable, "-c", code, tmp_path, f"n{number}"], cwd=ROOT)
            for number in range(10)
        ]
        assert [maker.wait(60) for maker in makers] == [0] * 10
        assert {one.name for one in Tokens(tmp_path).all()} == {f"n{n}" for n in range(10)}


class TestAdmission:
    def test_where_it_is_open_nobody_needs_a_token_but_a_wrong_one_is_refused(
        self, tmp_path: Path
    ) -> None:
        tokens = Tokens(tmp_path)
        assert admit(tokens, "", "manage", open_to_all=True) == ""
        with pytest.raises(TokenError):
            admit(tokens, "Bearer wrong", "read", open_to_all=True)

    def test_a_scope_is_a_limit(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path)
        reads, manages_ = tokens.new("r", "read"), tokens.new("m", "manage")
        assert admit(tokens, f"Bearer {reads}", "read", open_to_all=False) == "r"
        assert admit(tokens, f"bearer  {manages_}", "manage", open_to_all=False) == "m"
        with pytest.raises(AccessError, match="may read only"):
            admit(tokens, f"Bearer {reads}", "manage", open_to_all=False)
        for header in ("", "Bearer", f"Basic {reads}", reads):
            with pytest.raises(TokenError, match="token new"):
                admit(tokens, header, "read", open_to_all=False)

    @pytest.mark.parametrize(
        ("person", "may"),
        [
            ({"email": "Ada@Example.org"}, True),
            ({"email": "ada@example.org", "email_verified": True}, True),
            ({"email": "ada@example.org", "email_verified": False}, False),
            ({"email": "eve@example.org"}, False),
            ({"email": ""}, False),
            ({}, False),
        ],
    )
    def test_managers_are_known_by_a_verified_address(
        self, person: dict[str, object], may: bool
    ) -> None:
        assert manages(person, ("ada@example.org",)) is may
        assert not manages(person, ())
        assert manages(person, ("*",))


class TestServing:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "docs.example"])
    def test_other_machines_are_served_only_where_a_setting_says_who_may(self, host: str) -> None:
        with pytest.raises(SettingsError, match="access to 'login'"):
            check_access(Settings(host=host))
        check_access(Settings(host=host, access="open"))
        check_access(Settings(host=host, access="login"))

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
    def test_this_machine_needs_no_setting(self, host: str) -> None:
        check_access(Settings(host=host))

    def test_a_rate_that_is_none_is_named(self) -> None:
        with pytest.raises(SettingsError, match="rate_limit = 'often'"):
            check_access(Settings(rate_limit="often"))

    def test_the_command_says_so_before_anything_is_loaded(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["--host", "0.0.0.0", "--store", str(tmp_path / "store")]
        assert cli.main(["serve", *arguments]) == 2
        assert "say who may" in capsys.readouterr().err
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("secrets", ["", "[auth]\nclient_id = 'a'\n"])
    def test_signing_in_has_to_be_set_up(self, tmp_path: Path, secrets: str) -> None:
        if secrets:
            (tmp_path / ".streamlit").mkdir()
            (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets)
        said = subprocess.run(
            [sys.executable, "-m", "app", "serve", "--port", "58513"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PASSAGES_ACCESS": "login"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert said.returncode == 2
        assert "[auth] lacks" in said.stderr
        assert "cookie_secret" in said.stderr


class TestOverHttp:
    @pytest.fixture
    def service(self, corpus: Path, store: Store, encoder: HashEncoder) -> Service:
        settings = load_settings(corpus=corpus, store=store.folder, threshold=0.0, access="login")
        service = Service(settings)
        service.encoder = encoder
        service.build(lambda step: None)
        return service

    def test_every_route_asks_for_a_token_but_health(self, service: Service) -> None:
        with running(service) as program:
            for method, path, body in (
                ("POST", "/api/ask", {"question": "bees"}),
                ("POST", "/api/search", {"query": "bees"}),
                ("GET", "/api/documents", None),
                ("GET", "/api/documents/bees.txt", None),
                ("GET", "/api/passages/x", None),
                ("GET", "/api/status", None),
                ("GET", "/api/rebuild", None),
                ("POST", "/api/rebuild", None),
                ("DELETE", "/api/rebuild", None),
                ("POST", "/api/rollback", {}),
                ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
                ("GET", "/metrics", None),
            ):
                status, headers, told = program.call(method, path, body)
                assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
                assert "token new" in told["detail"]
            assert program.get("/healthz")[0] == 200
            assert program.get("/readyz")[0] == 200

    def test_a_token_reads_and_only_one_that_manages_changes(self, service: Service) -> None:
        reads = {"Authorization": f"Bearer {service.tokens.new('r', 'read')}"}
        changes = {"Authorization": f"Bearer {service.tokens.new('m', 'manage')}"}
        with running(service) as program:
            asked = program.post("/api/ask", {"question": "How many bees?"}, **reads)
            assert asked[0] == 200
            assert program.get("/metrics", **reads)[0] == 200
            for method, path in (
                ("POST", "/api/rebuild"),
                ("DELETE", "/api/rebuild"),
                ("POST", "/api/rollback"),
            ):
                body = {} if path.endswith("rollback") else None
                assert program.call(method, path, body, reads)[0] == 403
            assert program.call("DELETE", "/api/rebuild", headers=changes)[0] == 200
            service.tokens.revoke("r")
            assert program.get("/api/documents", **reads)[0] == 401

    def test_no_secret_and_no_question_is_logged(
        self, service: Service, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret = service.tokens.new("r", "read")
        with caplog.at_level("INFO", "passages"), running(service) as program:
            ask(program, secret)
            ask(program, secret[:-1])
        lines = [json.dumps(record.facts) for record in caplog.records if hasattr(record, "facts")]
        assert len(lines) == 2
        assert '"token": "r"' in lines[0]
        assert '"status": 401' in lines[1]
        assert not any(secret[:20] in line or "Porvenir" in line for line in lines)


def ask(program: Program, secret: str) -> None:
    question = {"question": "How deep is Porvenir?"}
    program.post("/api/ask?x=1", question, Authorization=f"Bearer {secret}")


class TestCommand:
    def test_a_token_is_printed_once(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = ["--store", str(tmp_path)]
        assert cli.main(["token", "list", *place]) == 1
        assert cli.main(["token", "new", "ci", "--scope", "manage", *place]) == 0
        secret = capsys.readouterr().out.splitlines()[-1]
        found = Tokens(tmp_path).find(secret)
        assert found is not None
        assert found.scope == "manage"
        assert cli.main(["token", "list", *place]) == 0
        listed = capsys.readouterr().out
        assert "ci" in listed
        assert secret not in listed
        assert cli.main(["token", "revoke", "ci", *place]) == 0
        assert cli.main(["token", "revoke", "ci", *place]) == 1
        assert cli.main(["token", "new", *place]) == 2
