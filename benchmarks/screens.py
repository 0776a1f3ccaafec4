"""Pictures of each screen and state of the page, as the README shows them.

    python -m benchmarks.screens [--out docs/screens] [--only NAME …]

Serves the corpus of this repository, with a PDF made on the spot, from folders that are removed
again. Needs Chromium, and the packages for development.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from PIL import Image
from tqdm import tqdm

from benchmarks.page import ROOT, chromium, server

COLOURS = 96  # of a picture: enough for text and thin lines
LOOKS = {"": ("light", 1280, 860), "-dark": ("dark", 1280, 860), "-phone": ("light", 390, 844)}
"""What follows a picture's name: the theme, and the window's width and height in pixels."""

FERRIES = (
    "The ferry to Sandholm leaves the north pier at nine in the morning and at six in the evening. "
    "It carries forty cars and two hundred people.",
    "The crossing takes ninety minutes. In winter, when the sound is full of ice, it takes two "
    "hours.",
    "A car costs thirty dollars and a lorry ninety. Warships that visit at the invitation of the "
    "government pay no fee.",
)
HEBREW = (
    "# נמל חיפה\n\n## עומק\n\nעומק הנמל בחיפה הוא 14 מטרים, ואניות באורך 200 מטר יכולות לעגון.\n\n"
    "## אגרות\n\nאגרת העגינה היא 3 דולר לטון. אניות מלחמה אינן משלמות אגרה.\n"
)
SERVE = "import os, sys, time\nfrom app.cli import main\nfrom app.service import Service\n"
SERVE += "{first}\nsys.exit(main(['serve', '--port', *sys.argv[1:]]))"
SLOW = SERVE.format(first="Service.ask = lambda *asked, **more: time.sleep(600)")
FIXED = SERVE.format(first="os.environ['PASSAGES_READ_ONLY'] = 'true'")
"""Servers whose answers take very long, and on which nobody may change anything."""


def ask(question: str, **more: str) -> str:
    """The address of a question."""
    rest = "".join(f"&{name}={quote_plus(value)}" for name, value in more.items())
    return f"/?q={quote_plus(question)}{rest}"


DEFINITION = "What is defense diplomacy?"
FERRY = "When does the ferry to Sandholm leave?"
JUDGED = {DEFINITION: "Yes, it was helpful", FERRY: "Yes, it was helpful"}
JUDGED |= {"What does a citation mean?": "No, it was not helpful"}

Act = Callable[[Any], None]


def wait(page: Any, seconds: float = 0) -> None:
    """Let the page go on."""
    page.wait_for_timeout(1000 * seconds)


@dataclass(frozen=True, slots=True)
class Screen:
    """An address, what to do there before the picture is taken and what after it.

    One that is not ``drawn`` goes on waiting for the server.
    """

    path: str
    act: Act = wait
    after: Act = wait
    drawn: bool = True


def press(name: str, nth: int = 0) -> Act:
    """Press a button of which the name begins so."""

    def act(page: Any) -> None:
        page.get_by_role("button", name=re.compile(f"^(?:[a-z_]+ )?{name}")).nth(nth).click()

    return act


def hover(selector: str) -> Act:
    return lambda page: page.locator(selector).first.hover()


def click(selector: str) -> Act:
    return lambda page: page.locator(selector).first.click()


def remove(page: Any) -> None:
    """Remove a file and wait for the index without it; show what can be taken back."""
    press("Remove ferries.pdf")(page)
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    page.locator(".notice", has_text="ferries.pdf was removed.").wait_for()
    page.locator(".notice.done", has_text="The index has been rebuilt.").wait_for(timeout=120_000)
    page.get_by_text("Changes that can be taken back").click()
    page.get_by_role("button", name="Take back").wait_for()


def put_back(page: Any) -> None:
    press("Take back")(page)
    page.locator(".notice", has_text="The change was taken back.").wait_for()
    page.locator(".file", has_text="ferries.pdf").wait_for(timeout=120_000)


def rebuild(page: Any) -> None:
    press("Rebuild the index")(page)
    page.get_by_test_id("stProgress").get_by_text("Encoding").wait_for(timeout=60_000)
    time.sleep(3)  # until there is a rate


def cancel(page: Any) -> None:
    press("Cancel")(page)
    page.locator(".notice", has_text="The build was cancelled.").wait_for(timeout=60_000)


READING = f"/read?doc=defense-diplomacy.md&p=3&q={quote_plus(DEFINITION)}&find=defense"
SCREENS = {
    "home": Screen("/"),
    "answer": Screen(ask(DEFINITION)),
    "answer-preview": Screen(ask(DEFINITION), hover(".lead .chip")),
    "answer-why": Screen(ask(DEFINITION), click(".card summary")),
    "page": Screen(ask(FERRY, view="page")),
    "follow-up": Screen(ask("And in winter?", about="long crossing take")),
    "filters": Screen(ask(DEFINITION, format="markdown"), press("Narrow")),
    "partly": Screen(ask("How do I add documents from Valdivia?")),
    "unanswered": Screen(ask("How tall is the Eiffel tower?")),
    "right-to-left": Screen(ask("מה עומק הנמל בחיפה?")),
    "read": Screen(READING),
    "read-page": Screen(f"/read?doc=ferries.pdf&p=1&q={quote_plus(FERRY)}&view=page"),
    "map": Screen("/map", hover("canvas")),
    "map-hits": Screen(f"/map?q={quote_plus(DEFINITION)}"),
    "library": Screen("/library"),
    "library-history": Screen("/library", press("What changed in the snapshot")),
    "library-remove": Screen("/library", press("Remove ferries.pdf")),
    "library-removed": Screen("/library", remove, put_back),
    "quality": Screen("/quality"),
}
"""Each picture's name and what it is of, with an index."""

EMPTY = {
    "no-index": Screen("/"),
    "library-empty": Screen("/library"),
    "map-none": Screen("/map"),
}
"""The same where nothing has been built, and nothing may be changed but by a build."""

BUILDING = {"library-rebuilding": Screen("/library", rebuild, cancel)}
WAITING = {"waiting": Screen(ask(DEFINITION), lambda page: wait(page, 3), drawn=False)}
READ_ONLY = {"library-read-only": Screen("/library"), "quality-empty": Screen("/quality")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="the pictures to take")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = set(options.only or ())
    with tempfile.TemporaryDirectory() as name, tqdm(unit=" pictures", file=sys.stderr) as bar:
        folder = Path(name)
        places = library(folder)

        def shoot(screens: dict[str, Screen], code: str = "", route: str = "/readyz") -> None:
            some = {one: screens[one] for one in screens if not wanted or one in wanted}
            if some:
                with server(places, code=code, quiet=True, route=route) as (address, _):
                    take(address, some, options.out, bar)

        shoot(READ_ONLY, FIXED)
        shoot(WAITING, SLOW)
        with server(places, quiet=True) as (address, _):
            judge(address)
            edit(folder / "corpus" / "guide" / "citations.md")
            build(places)
        shoot(SCREENS)
        (folder / "corpus" / "lamps.md").write_text(lamps(), encoding="utf-8")
        shoot(BUILDING)
        (folder / "none").mkdir()
        places = ["--corpus", str(folder / "none"), "--store", str(folder / "empty")]
        shoot(EMPTY, route="/healthz")  # without an index it is never ready to answer
    pictures = list(options.out.glob("*.webp"))
    total = sum(one.stat().st_size for one in pictures)
    print(f"{len(pictures)} pictures in {options.out}, {total / 1e3:,.0f} kB")


def library(folder: Path) -> list[str]:
    """The corpus with its index: the arguments that name both."""
    shutil.copytree(ROOT / "corpus", folder / "corpus")
    write_pdf(folder / "corpus" / "ferries.pdf")
    (folder / "corpus" / "haifa.md").write_text(HEBREW, encoding="utf-8")
    places = ["--corpus", str(folder / "corpus"), "--store", str(folder / "store")]
    build(places)
    return places


def build(places: Sequence[str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "app", "build", "--json", *places],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def edit(path: Path) -> None:
    """Change a document, so that there are two snapshots to compare."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n## Who reads them?\n\nWhoever wants to check.\n", encoding="utf-8")


def lamps() -> str:
    """A document that takes a while to encode."""
    lines = (f"The {n}th lamp stands {n * 7} paces from the pier of Ostby." for n in range(6000))
    return "\n\n".join(lines)


def judge(address: str) -> None:
    """Press thumbs, as people do."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        for question, thumb in JUDGED.items():
            page.goto(address + ask(question))
            page.get_by_role("button", name=thumb).click(timeout=60_000)
            page.locator(".thumb[aria-pressed=true]").wait_for()
        browser.close()


def take(address: str, screens: dict[str, Screen], out: Path, bar: tqdm[Any]) -> None:
    """Write all pictures of a server."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for suffix, (scheme, width, height) in LOOKS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, screen in screens.items():
                page.goto(address + screen.path)
                if screen.drawn:
                    settle(page)
                screen.act(page)
                time.sleep(0.8)  # what follows the last message: fonts, scrolling to a passage
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                # A few colours without loss are smaller and clearer than many with it.
                few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE).convert("RGB")
                few.save(out / f"{name}{suffix}.webp", lossless=True, quality=100, method=6)
                screen.after(page)
                bar.update()
            context.close()
        browser.close()


def settle(page: Any) -> None:
    """Wait until the screen is drawn."""
    done = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    page.wait_for_selector(done, timeout=60_000)
    page.wait_for_load_state("networkidle")
    time.sleep(0.8)


def write_pdf(path: Path) -> None:
    """A page of print about ferries."""
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles = getSampleStyleSheet()
    story: list[Any] = [Paragraph("Ferries of the Sound", styles["Title"])]
    for text in FERRIES:
        story += [Paragraph(text, styles["BodyText"]), Spacer(1, 8)]
    SimpleDocTemplate(str(path), pagesize=A5, title="Ferries of the Sound").build(story)


if __name__ == "__main__":
    main()
