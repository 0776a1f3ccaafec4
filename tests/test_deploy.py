"""What is there to run it with: each is checked by the tool that would use it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from app.settings import Settings
from index.build import build
from index.store import Store
from tests.browser_harness import ROOT, environment
from tests.conftest import HashEncoder

DEPLOY = ROOT / "deploy"


def has(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program}")


@has("systemd-analyze")
def test_the_unit_is_one(tmp_path: Path) -> None:
    text = (DEPLOY / "passages.service").read_text()
    # The program is not installed on the machine of the tests.
    unit = tmp_path / "passages.service"
    unit.write_text(text.replace("/opt/passages/.venv/bin/python", sys.executable))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    ours = [line for line in said.stderr.splitlines() if "passages.service" in line]
    assert ours == []


def test_the_containerfile_is_one() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    said = subprocess.run([linter, DEPLOY / "Containerfile"], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout
    for line in re.findall(r"^COPY (.*)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


@has("caddy")
def test_the_proxy_is_one(tmp_path: Path) -> None:
    command = ["caddy", "validate", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile"]
    said = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert said.returncode == 0, said.stderr


def test_variables_of_the_deployment_are_settings() -> None:
    for path in DEPLOY.iterdir():
        for name in re.findall(r"PASSAGES_([A-Z_]+)", path.read_text()):
            assert name.lower() in Settings.model_fields, (path.name, name)


def test_the_lock_has_each_requirement_with_a_version_that_it_allows() -> None:
    locked = dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    )
    for name in ("requirements.txt", "requirements-login.txt", "requirements-ocr.txt"):
        for line in (ROOT / name).read_text().splitlines():
            text = line.partition("#")[0].strip()
            if not text or text.startswith("torch=="):
                continue
            wanted = Requirement(text)
            key = re.sub(r"[-_.]+", "-", wanted.name).lower()
            assert wanted.specifier.contains(locked[key]), f"{text}: {locked[key]} is locked"


def test_a_backup_can_be_restored(corpus: Path, tmp_path: Path, encoder: HashEncoder) -> None:
    """The very lines that the guide gives, with this Python."""
    text = (ROOT / "docs" / "running.md").read_text().partition("## Backup and restore")[2]
    backup, restore = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[:2]
    build(corpus, Store(tmp_path / ".store"), encoder)
    (tmp_path / "passages.toml").write_text('corpus = "corpus"\nreader = "none"\n')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    subprocess.run(
        [sys.executable, "-m", "app", "token", "new", "a"],
        check=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
    )

    def run(lines: str, folder: Path) -> None:
        script = lines.replace("python -m", f"{sys.executable} -m")
        subprocess.run(["bash", "-c", script], cwd=folder, env=environment(), check=False)

    run(backup, tmp_path)
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(tmp_path / "backup", there / "backup")
    run(restore, there)
    assert (there / "corpus" / "sub" / "tea.md").read_text().startswith("# Tea")
    assert (there / ".store" / "tokens.json").exists()
    assert Store(there / ".store").open().manifest.documents == 3
