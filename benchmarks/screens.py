"""Pictures of each screen and state of the page, as the README shows them.

    python -m benchmarks.screens [--out docs/screens]

Serves the corpus of this repository, with a PDF made on the spot, from a folder that is removed
again. Needs Chromium, and the packages for development.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from PIL import Image
from tqdm import tqdm

from benchmarks.page import ROOT, chromium, server

COLOURS = 160  # of a picture: enough for text and thin lines, and a fifth of the size
DESK, PHONE = (1280, 860), (390, 844)

FERRIES = (
    "The ferry to Sandholm leaves the north pier at nine in the morning and at six in the evening. "
    "It carries forty cars and two hundred people.",
    "The crossing takes ninety minutes. In winter, when the sound is full of ice, it takes two "
    "hours.",
    "A car costs thirty dollars and a lorry ninety. Warships that visit at the invitation of the "
    "government pay no fee.",
)


def ask(question: str, **more: str) -> str:
    """The address of a question."""
    rest = "".join(f"&{name}={quote_plus(value)}" for name, value in more.items())
    return f"/?q={quote_plus(question)}{rest}"


DEFINITION = "What is defense diplomacy?"
SCREENS = {
    "home": "/",
    "answer": ask(DEFINITION),
    "page": ask("When does the ferry to Sandholm leave?", view="page"),
    "follow-up": ask("And in winter?", about="long crossing take"),
    "unanswered": ask("How tall is the Eiffel tower?"),
    "read": f"/read?doc=defense-diplomacy.md&p=3&q={quote_plus(DEFINITION)}&find=defense",
    "map": f"/map?q={quote_plus(DEFINITION)}",
    "library": "/library",
    "quality": "/quality",
}
"""Each picture's name and the address that it is of."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screens")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "corpus", folder / "corpus")
        write_pdf(folder / "corpus" / "ferries.pdf")
        places = ["--corpus", str(folder / "corpus"), "--store", str(folder / "store")]
        subprocess.run(
            [sys.executable, "-m", "app", "build", "--json", *places],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with server(places) as (address, _):
            total = take(address, options.out)
    print(
        f"{len(list(options.out.glob('*.png')))} pictures in {options.out}, {total / 1e3:,.0f} kB"
    )


def take(address: str, out: Path) -> int:
    """Write all pictures; returns their size in bytes."""
    from playwright.sync_api import sync_playwright

    total = 0
    looks = [("", "light", DESK), ("-dark", "dark", DESK), ("-phone", "light", PHONE)]
    with (
        sync_playwright() as playwright,
        tqdm(total=len(looks) * len(SCREENS), unit=" pictures", file=sys.stderr) as bar,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for suffix, scheme, (width, height) in looks:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                reduced_motion="reduce",
            )
            page = context.new_page()
            for name, path in SCREENS.items():
                page.goto(address + path)
                settle(page)
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                file = out / f"{name}{suffix}.png"
                picture.quantize(COLOURS).save(file, optimize=True)
                total += file.stat().st_size
                bar.update()
            context.close()
        browser.close()
    return total


def settle(page: Any) -> None:
    """Wait until the screen is drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_load_state("networkidle")
    time.sleep(0.8)  # what follows the last message: fonts, scrolling to a passage


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
