"""The page in headless Chromium, where there is one: it fits any screen, and asks for nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runs import small_mlp
from report_cases import small_cnn

from bitfpga.boards import load_board
from bitfpga.ir import Network
from bitfpga.plan import plan
from bitfpga.report import report_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT_S = 100
MEASURE = """<script>
const seen = document.querySelectorAll("rect, line, text, tr");
const outside = [...document.querySelectorAll("figure rect, figure text")].filter((part) => {
  const box = part.getBoundingClientRect(), card = part.closest(".card").getBoundingClientRect();
  return box.left < card.left || box.right > card.right || box.bottom > card.bottom;
});
const flat = [...document.querySelectorAll(".bars rect")].filter(
  (bar) => bar.getBoundingClientRect().width < 0.1 || bar.getBoundingClientRect().height < 5);
document.title = "measured " + JSON.stringify([
  document.documentElement.scrollWidth - window.innerWidth, outside.length, flat.length,
  seen.length, performance.getEntriesByType("resource").length]);
</script></body>"""


def chromium() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium in PATH")
    return found


def measured(page: bytes, width: int, folder: Path) -> list[int]:
    """Return the page's overflow in pixels, and how many parts are cut, flat, seen and loaded."""
    text = page.decode("utf-8")
    text = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # lets MEASURE run
    assert text.count("</body>") == 1
    (folder / "page.html").write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900"]
    command += ["--dump-dom", (folder / "page.html").as_uri()]
    ran = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=True)
    found = re.search(r"<title>measured \[([-\d,]+)\]</title>", ran.stdout.decode("utf-8"))
    assert found, ran.stderr.decode("utf-8", "replace")[-2000:]
    return [int(number) for number in found[1].split(",")]


@pytest.mark.parametrize("width", [500, 1280, 2560])
@pytest.mark.parametrize("network", [small_cnn(), small_mlp((5, 7) * 50)])
def test_the_page_fits_every_screen(network: Network, width: int, tmp_path: Path) -> None:
    chromium()
    schedule = plan(network, load_board("pynq-z2"))
    names = ("x" * 300, "<script>document.title = 'run'</script>")
    layers = tuple(
        replace(layer, origin=names[i] if i < len(names) else layer.origin)
        for i, layer in enumerate(schedule.layers)
    )
    page = report_page(network, replace(schedule, network="n" * 300, layers=layers))
    overflow, n_cut, n_flat, n_seen, n_loaded = measured(page, width, tmp_path)
    assert overflow <= 0
    assert (n_cut, n_flat, n_loaded) == (0, 0, 0)
    assert n_seen > 20 * len(layers)
