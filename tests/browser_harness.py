"""A server in a process of its own, and a person who visits it with a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

ROOT = Path(__file__).parent.parent

PATIENCE = 90_000
"""Milliseconds after which what has not happened will not: a busy machine is slow, not wrong."""

expect.set_options(timeout=PATIENCE)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The browser to use, or None; a PASSAGES_CHROMIUM that names no program is an error."""
    if named := os.environ.get("PASSAGES_CHROMIUM"):
        found = shutil.which(named)
        assert found, f"PASSAGES_CHROMIUM names no program: {named}"
        return found
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PASSAGES_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def run_app(folder: Path, *arguments: str) -> list[str]:
    places = ["--corpus", str(folder / "corpus"), "--store", str(folder / "store")]
    return [sys.executable, "-m", "app", *arguments, *places]


def build(folder: Path, models: Path) -> None:
    """Build the index of a folder's corpus as people do, with models that were converted before."""
    give(models, folder)
    subprocess.run(run_app(folder, "build"), cwd=folder, env=environment(), check=True)


def give(models: Path, folder: Path) -> None:
    """Put converted models into a folder's store: to convert them takes longer than all else."""
    there = folder / "store" / "models"
    if not there.exists():
        shutil.copytree(models, there, copy_function=os.link)


@contextmanager
def served(folder: Path, port: int = 0, first: str = "") -> Iterator[str]:
    """A server of its own process, in a working directory that is not the repository.

    ``first`` is code that it runs before it serves.
    """
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        command = run_app(folder, "serve", "--port", str(port))
        if first:
            main = "import sys\nfrom app.cli import main\nsys.exit(main(sys.argv[1:]))"
            command[1:3] = ["-c", f"{first}\n{main}"]
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                with urllib.request.urlopen(f"{base}/healthz", timeout=5) as reply:
                    assert reply.read() == b"ok"
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                said = (folder / "server.log").read_text()
                assert server.poll() is None, f"The server ended: {said}"
                assert time.monotonic() < until, f"The server did not start: {said}"
                time.sleep(0.1)
        yield base
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


class Visitor:
    """A person at the page, who notes every request and everything the browser complains of."""

    def __init__(self, browser, base: str, width: int = 1280, height: int = 860) -> None:
        self.base = base
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("console", self._heard)

    def _heard(self, message) -> None:
        # Streamlit looks for its health route below the screen's own path first, and what the
        # server says of a question that it cannot answer stands on the page.
        told = re.search(r"status of (404|422|503)", message.text)
        if message.type == "error" and not told:
            self.complaints.append(message.text)

    def visit(self, path: str = "/"):
        self.page.goto(self.base + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')

    def ask(self, question: str) -> None:
        box = self.page.get_by_placeholder("Ask a question")
        box.fill(question)
        box.press("Enter")

    def to_the_box(self) -> None:
        """Go to the question's box by its key, as soon as the page listens to it."""
        self.page.wait_for_function("() => window.passagesKeys?.question")
        self.page.keyboard.press("/")
        expect(self.page.locator("input:focus")).to_have_count(1)

    def sees(self, selector: str, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator(selector).first).to_contain_text(text)

    def in_sight(self, selector: str, frame: str = ".body") -> bool:
        """Whether the first such element comes to lie within what its frame shows."""
        self.page.locator(selector).first.wait_for()
        until = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < until:
            if self.lies_in(selector, frame):
                return True
            self.page.wait_for_timeout(50)
        return False

    def lies_in(self, selector: str, frame: str) -> bool:
        """Whether the first such element lies within what its frame shows, now."""
        inner = self.page.locator(selector).first.bounding_box()
        outer = self.page.locator(frame).bounding_box()
        if not inner or not outer:
            return False
        return outer["y"] - 1 <= inner["y"] < outer["y"] + outer["height"]

    def overflow(self) -> int:
        return self.page.evaluate(
            "Math.max(document.documentElement.scrollWidth,"
            " document.querySelector('[data-testid=stMain]').scrollWidth) - window.innerWidth"
        )

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page for people who cannot see it or use a mouse."""
        from axe_playwright_python.sync_playwright import Axe

        self.settle()
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]

    def foreign(self) -> list[str]:
        ours = (self.base, self.base.replace("http", "ws"), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(ours)]
