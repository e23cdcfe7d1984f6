"""Pictures of the console for the documentation, taken from a running demo: `make pictures`."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

PICTURES: Final = Path(__file__).parent.parent / "docs" / "pictures"
TENANT: Final = "demo"
WAIT_S: Final = 400.0
SHOTS: Final = (
    # page, width, scheme
    ("now", 1440, "light"),
    ("now", 1440, "dark"),
    ("now", 360, "light"),
    ("item", 1440, "light"),
    ("item", 360, "dark"),
    ("items", 1440, "light"),
    ("reservation", 1440, "light"),
    ("letters", 1440, "light"),
    ("policy", 1440, "light"),
    ("workers", 1440, "light"),
)


def main() -> None:
    """Run the demo, wait until a worker was killed and is back, and take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium: install it, e.g. the package chromium")
    argv = [sys.executable, "-m", "atp_stream", "demo", "--seconds", "20", "--keep"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        try:
            url = _console(demo)
            with sync_playwright() as playwright:
                _take(playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]), url)
        finally:
            demo.terminate()


def _console(demo: "subprocess.Popen[str]") -> str:
    """Return where the console is once the demo's books are balanced."""
    assert demo.stdout is not None  # noqa: S101  (it was asked for)
    url, began = "", time.monotonic()
    for line in demo.stdout:
        found = re.search(r"(http://\S+)/ in a browser", line)
        url = url or (found[1] if found else "")
        if "all goes on" in line or time.monotonic() - began > WAIT_S:
            break
    if not url:
        sys.exit("the demo does not get ready")
    return url


def _take(browser: Browser, url: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    places = _places(url)
    for page_name, width, scheme in SHOTS:
        view: Any = {"width": width, "height": 900}
        context = browser.new_context(viewport=view, color_scheme="dark" if scheme == "dark" else "light")
        context.set_default_timeout(WAIT_S * 1_000)
        page = context.new_page()
        page.goto(f"{url}/#/{TENANT}/{places[page_name]}")
        page.wait_for_selector("main .shown section")
        page.wait_for_timeout(12_000 if page_name == "now" else 3_000)  # until events and rates show
        page.screenshot(path=PICTURES / f"{page_name}-{width}-{scheme}.png", full_page=True)
        context.close()


def _places(url: str) -> dict[str, str]:
    """Return the address of each page, for the item with most at risk and one of its reservations."""
    with urlopen(f"{url}/items/{TENANT}?risk=any&limit=1") as answer:  # noqa: S310  (the demo's own address)
        found = json.load(answer)["items"]
    item = quote(found[0]["item"] if found else "sku-001", safe="")
    with urlopen(f"{url}/atp/{TENANT}/{item}/explain?limit=1") as answer:  # noqa: S310
        (one, *_) = json.load(answer)["reservations"]
    same = {name: name for name in ("now", "items", "letters", "workers")}
    return {
        **same,
        "item": f"item/{item}",
        "reservation": f"reservation/{item}/{quote(one['reservation'], safe='')}",
        "policy": f"policy?item={item}",
    }


if __name__ == "__main__":
    main()
