"""A browser for tests: Debian's Chromium, started by the test, without network; what it sees of a page.

Everything that uses it belongs to the group "browser" of xdist, so that one browser runs at a time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PATIENCE = 180_000  # milliseconds: far more than a machine takes that does ten other things
WIDTHS = (390, 1024, 1440)
A4 = 673  # CSS pixels between the margins of a printed page

# Whatever is laid out beyond the sides of the window, but for what its own region scrolls or hides.
LAYOUT = """() => {
  const page = document.documentElement, found = [];
  const name = e => `${e.tagName}.${e.getAttribute('class') || ''} "${(e.textContent || '').slice(0, 40)}"`;
  if (page.scrollWidth > page.clientWidth) found.push(`the page scrolls: ${page.scrollWidth} px`);
  const held = e => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== 'visible') return true;
    return false;
  };
  for (const e of document.body.querySelectorAll('*')) {
    const box = e.getBoundingClientRect();
    if (!e.checkVisibility() || !box.width || box.right <= 0 || held(e)) continue;
    if (box.right > page.clientWidth + 1 || box.left < -1)
      found.push(`${name(e)}: ${box.left} to ${box.right}`);
  }
  return found;
}"""
# Text of a figure that its edge cuts, or a figure that something around it cuts.
CLIPPED = """() => {
  const found = [];
  for (const figure of document.querySelectorAll('figure svg, .cx-figure svg')) {
    const box = figure.getBoundingClientRect();
    if (!figure.checkVisibility() || !box.width) continue;
    for (const text of figure.querySelectorAll('text')) {
      const own = text.getBoundingClientRect();
      const beside = own.left < box.left - 1 || own.right > box.right + 1;
      if (beside || own.top < box.top - 1 || own.bottom > box.bottom + 1)
        found.push(`"${text.textContent}" leaves its figure`);
    }
    for (let p = figure.parentElement; p && p !== document.body; p = p.parentElement) {
      const around = p.getBoundingClientRect();
      const beyond = box.right > around.right + 1 || box.bottom > around.bottom + 1;
      if (beyond && getComputedStyle(p).overflowX === 'hidden')
        found.push(`a figure is cut by ${p.className}`);
    }
  }
  return found;
}"""
# Text whose colour does not stand out enough from what is painted behind it (WCAG 2.1, 1.4.3).
FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    const layers = [];
    for (let p = e; p; p = p.parentElement) layers.push(rgba(getComputedStyle(p).backgroundColor));
    return layers.reverse().reduce((under, top) => over([...top], under), [255, 255, 255]);
  };
  const found = [];
  for (const e of document.body.querySelectorAll('*')) {
    const says = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!says || e.closest('svg') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), back = behind(e), ink = over(rgba(style.color), back);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: "${e.textContent.trim().slice(0, 40)}" ${style.color}`);
  }
  return found;
}"""
# What has the focus: its place in the document, what it is, and whether that can be seen.
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {place: [...document.querySelectorAll('*')].indexOf(e), tag: e.tagName.toLowerCase(),
    href: e.getAttribute('href') || '', kind: e.getAttribute('class') || '',
    seen: style.outlineStyle !== 'none' && box.right > 0 && box.width > 0};
}"""


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, headless; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium): pages are not opened")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here")
    with playwright.sync_playwright() as started:
        options = {"executable_path": program, "args": ["--disable-dev-shm-usage"], "timeout": PATIENCE}
        try:
            launched = started.chromium.launch(**options)
        except playwright.Error as error:
            pytest.skip(f"Chromium does not start here, pages are not opened: {error}")
        try:
            yield launched
        finally:
            launched.close()


@contextmanager
def tab(launched: Any, **settings: Any) -> Iterator[tuple[Any, list[str]]]:
    """A tab without network, and all that it complains of: errors, warnings, what it asked of anywhere."""
    context = launched.new_context(offline=True, **settings)
    context.set_default_timeout(PATIENCE)
    heard: list[str] = []
    context.on("request", lambda asked: _only_from_here(asked.url, heard))
    page = context.new_page()
    page.on("console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    try:
        yield page, heard
    finally:
        context.close()


def opened(page: Any) -> None:
    """Open every disclosure of a page."""
    page.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true })")


def _only_from_here(url: str, heard: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        heard.append(f"asked for {url}")
