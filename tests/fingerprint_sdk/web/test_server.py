"""The web page in a real browser, against the real server on a loopback port."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from support.browser import chromium, needs_browser
from support.cli_runner import write_flat
from support.paths import ROOT
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp

needs_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="gradio is not installed (extra web)"
)
pytestmark = needs_gradio

# Notes every address outside loopback that the server connects to or looks up, in a file.
WATCH = """
import os, sys
def outside(address):
    host = address[0] if isinstance(address, tuple) else address
    host = host.decode() if isinstance(host, bytes) else host
    return isinstance(address, tuple) and host not in ("127.0.0.1", "::1", "localhost")
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto") and outside(arguments[1]):
        note(event, arguments[1])
    elif event == "socket.getaddrinfo" and arguments[0] and outside((arguments[0],)):
        note(event, arguments[0])
def note(event, what):
    with open(os.environ["WATCH_FILE"], "a") as file:
        print(event, what, file=file)
sys.addaudithook(watch)
"""


TABS = ("Who made this?", "Verify", "Identify", "Enroll", "Explain")
# Keeps each text that a part of the page has had.
KEEP = """
const part = document.querySelector(arguments[0]);
window.kept = [];
new MutationObserver(() => window.kept.push(part.innerText.trim()))
  .observe(part, { subtree: true, childList: true, characterData: true });
"""


@dataclass(frozen=True)
class Server:
    address: str
    outside: Path


@contextmanager
def serving(program: str, arguments: list[str], folder: Path, **environment: str) -> Iterator[Any]:
    """Run ``program`` on a free port, PORT; at the end, check what it leaves behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    watched = folder / "outside.txt"
    watched.touch()
    log = folder / "server.log"
    uploads, temporary = folder / "uploads", folder / "temporary"
    temporary.mkdir()
    ours = {
        "WATCH_FILE": str(watched),
        "PORT": str(port),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(uploads),
        "TMPDIR": str(temporary),
    }
    # Both of these quiet ONNX Runtime; the page must do that by itself.
    inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCH + program, *arguments],
            env=inherited | environment | ours,
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
    try:
        address = f"http://127.0.0.1:{port}/"
        until(lambda: process.poll() is not None or answers(address), "the server", 90)
        assert process.poll() is None, log.read_text()
        yield Server(address, watched)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()
    left = [path for root in (uploads, temporary) for path in root.rglob("*") if path.is_file()]
    # Gradio leaves empty files. ONNX Runtime's telemetry, out of sight of the audit hook, would
    # leave its session file, ".ses".
    assert [path for path in left if path.stat().st_size] == []


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def until(condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """Poll until ``condition`` gives something true, which is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@pytest.fixture(scope="module")
def server(known_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = (
        "from fingerprint_sdk.cli import app\n"
        "app(['web', '--model', sys.argv[1], '--port', os.environ['PORT'], '--max-upload', '0.5'])"
    )
    folder = tmp_path_factory.mktemp("web")
    with serving(program, [str(known_model_dir)], folder) as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for source in range(3):
        for index in range(3):
            pixels = synthetic_image(source, index)
            Image.fromarray(pixels).save(folder / f"source{source}_{index}.png")
    text = PngImagePlugin.PngInfo()
    text.add_text(
        "parameters", "a secret wren\nSteps: 20, Model: sd_xl_base_1.0, Version: v1.10.1"
    )
    Image.fromarray(synthetic_image(1, 3)).save(folder / "declaring.png", pnginfo=text)
    write_flat(folder / "flat.png")
    whole = (folder / "source0_0.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[:3000])
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "large.png")  # more than 1 MB
    return folder


class Page:
    """The page in a browser, and what an analyst does on it."""

    def __init__(self, driver: Any, pictures: Path) -> None:
        self.driver = driver
        self.pictures = pictures

    def visible(self, css: str) -> Any:
        found = self.driver.find_elements("css selector", css)
        return next((element for element in found if element.is_displayed()), None)

    def text(self, css: str) -> str:
        """The text of the first visible match, or nothing; the page may be redrawing it."""
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            element = self.visible(css)
            return "" if element is None else str(element.text)
        except StaleElementReferenceException:
            return ""

    def wait_text(self, css: str, part: str = "") -> str:
        def shown() -> str:
            text = self.text(css)
            return text if text and part in text else ""

        return str(until(shown, f"{part!r} in {css}: {self.text('body')}"))

    def open(self, address: str) -> None:
        self.driver.get(address)
        until(lambda: self.visible("#who-run"), "the page")
        # Filled by the first event, so the page is alive.
        self.tab("Identify")
        self.wait_text("#identify-gallery")
        self.tab("Verify")

    def tab(self, name: str) -> None:
        tabs = self.driver.find_elements("css selector", "button[role=tab]")
        next(tab for tab in tabs if tab.text.strip() == name and tab.is_displayed()).click()

    def upload(self, where: str, *names: str) -> None:
        def field() -> Any:
            return self.driver.find_elements("css selector", f"#{where} input[type=file]")

        paths = "\n".join(str(self.pictures / name) for name in names)
        until(field, where)[0].send_keys(paths)
        for name in names:
            self.wait_text(f"#{where}", name.rpartition(".")[0])

    def colour(self, css: str) -> str:
        return str(self.visible(css).value_of_css_property("color"))

    def press(self, name: str) -> None:
        self.visible(f"#{name}").click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(performance="ALL") as driver:
        yield driver


@pytest.fixture
def page(browser: Any, server: Server, pictures: Path) -> Page:
    opened = Page(browser, pictures)
    opened.open(server.address)
    return opened


@needs_browser
@pytest.mark.slow
def test_who_made_this_is_the_first_thing_asked(
    page: Page, known_model_dir: Path, pictures: Path
) -> None:
    tabs = page.driver.find_elements("css selector", "button[role=tab]")
    assert tuple(tab.text.strip() for tab in tabs if tab.is_displayed()) == TABS
    page.tab("Who made this?")
    page.upload("who-image", "declaring.png")
    page.driver.execute_script(KEEP, "#who-result")
    page.press("who-run")
    said = page.wait_text("#who-result .fp-card")
    result = fp.known(fp.load(known_model_dir, device="cpu")).identify(pictures / "declaring.png")
    assert result.verdict == "named"
    assert said.startswith("declaring.png\nSecond decoder (C)")
    for candidate in result.candidates:
        assert f"{candidate.name} " in said
        assert f"score {candidate.score:.3f}" in said
    lines = page.driver.find_elements("css selector", "#who-result .fp-line")
    assert len(lines) == result.compared == 3
    assert len({(line.rect["x"], line.rect["width"]) for line in lines}) == 1
    declared = page.text("#who-result .declared")
    assert "sd_xl_base_1.0" in declared
    assert "secret" not in declared
    assert page.visible("#who-source") is None  # there is one gallery only
    kept = page.driver.execute_script("return window.kept")
    assert "Measuring" in next(text for text in kept if text)
    assert "Measuring" not in page.text("#who-result")


@needs_browser
@pytest.mark.slow
def test_arrow_keys_move_between_tabs_and_images_alone_are_taken(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    def chosen() -> str:
        tabs = page.driver.find_elements("css selector", "[role=tab][aria-selected=true]")
        return str(next(tab for tab in tabs if tab.is_displayed()).text.strip())

    page.tab("Verify")
    moves = [(Keys.ARROW_RIGHT, 2), (Keys.ARROW_LEFT, 1), (Keys.HOME, 0), (Keys.ARROW_LEFT, 4)]
    for key, place in [*moves, (Keys.ARROW_RIGHT, 0), (Keys.END, 4)]:
        page.driver.switch_to.active_element.send_keys(key)
        until(lambda place=place: chosen() == TABS[place], TABS[place])
        assert page.driver.switch_to.active_element.text.strip() == TABS[place]
    fields = page.driver.find_elements("css selector", "input[type=file]:not([accept='.fpg'])")
    assert len(fields) >= 5
    for field in fields:
        taken = str(field.get_attribute("accept")).replace(" ", "").split(",")
        assert {".png", ".jpg", ".webp", ".avif"} <= set(taken)
        assert not {".txt", ".svg", ".fpg", "*"} & set(taken)


@needs_browser
@pytest.mark.slow
def test_verify_shows_the_verdict_of_the_sdk(
    page: Page, tiny_model_path: Path, pictures: Path
) -> None:
    page.upload("verify-a", "source0_0.png", "source0_1.png")
    page.upload("verify-b", "source0_2.png")
    page.press("verify-run")
    said = page.wait_text("#verify-result .fp-card")
    paths = [pictures / f"source0_{index}.png" for index in range(3)]
    result = fp.load(tiny_model_path, device="cpu").verify(paths[:2], paths[2:])
    assert result.verdict == "same"
    assert said.startswith("Same generator")
    assert f"score {result.score:.3f}" in said
    assert f"same from {result.threshold:.3f}" in said
    assert f"different below {result.missed:.3f}" in said
    assert result.words in said
    assert "1 in 100 would be called the same" in said
    assert "2 against 1" in said
    colours = {page.colour("#verify-result h3")}
    for a, b, answer in [(0, 1, "Different generators"), (1, 2, "Inconclusive")]:
        page.open(page.driver.current_url)
        page.upload("verify-a", f"source{a}_0.png")
        page.upload("verify-b", f"source{b}_0.png")
        page.press("verify-run")
        assert page.wait_text("#verify-result .fp-card").startswith(answer)
        colours.add(page.colour("#verify-result h3"))
    assert len(colours) == 3


@needs_browser
@pytest.mark.slow
def test_enroll_identify_and_keep_the_gallery(page: Page, server: Server, tmp_path: Path) -> None:
    page.tab("Enroll")
    page.visible("#enroll-name input, #enroll-name textarea").send_keys("first generator")
    page.upload("enroll-images", "source1_0.png", "source1_1.png")
    page.press("enroll-run")
    page.wait_text("#enroll-result", "2 images enrolled as “first generator”")
    page.wait_text("#enroll-gallery", "1 generator")
    # Name and files are gone, so that the next generator does not get them by mistake.
    until(lambda: "source1_0" not in page.text("#enroll-images"), "the files to go")
    named = page.visible("#enroll-name input, #enroll-name textarea")
    until(lambda: named.get_property("value") == "", "the name to go")
    page.press("enroll-run")
    assert page.wait_text("#enroll-result [role=alert]", "name").startswith("Give the generator")
    named.send_keys("kept")
    page.press("enroll-run")
    page.wait_text("#enroll-result [role=alert]", "mages")
    assert named.get_property("value") == "kept"  # after an error both stay

    page.tab("Identify")
    page.wait_text("#identify-gallery", "first generator")
    page.upload("identify-images", "source1_2.png", "source0_0.png", "source2_0.png", "broken.png")
    page.press("identify-run")
    page.wait_text("#identify-result", "1 in 100 would be named")
    titles = page.driver.find_elements("css selector", "#identify-result h3")
    assert [title.text for title in titles] == [
        "first generator",
        "None of these",
        "Inconclusive, nearest first generator",
    ]
    assert "'broken.png'" in page.text("#identify-result [role=alert]")
    ticks = page.driver.find_elements("css selector", "#identify-result .fp-line")
    assert len({(line.rect["x"], line.rect["width"]) for line in ticks}) == 1

    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.tab("Enroll")
    until(lambda: page.visible("#enroll-download"), "the download")
    page.press("enroll-download")
    kept = tmp_path / "gallery.fpg"
    until(kept.exists, "gallery.fpg")
    assert fp.Gallery.load(kept).names == ("first generator",)

    page.open(server.address)  # another visit starts anew
    page.tab("Identify")
    assert "empty" in page.text("#identify-gallery")
    # Gradio keeps the field of an upload button beside it; the one shown on this tab is meant.
    field = page.driver.find_element("css selector", "input[type=file][accept='.fpg']")
    field.send_keys(str(kept))
    page.wait_text("#identify-gallery", "first generator")
    assert "gallery.fpg" in page.text("#identify-gallery")


@needs_browser
@pytest.mark.slow
def test_bad_and_large_files_are_refused_politely(page: Page) -> None:
    page.upload("verify-a", "source0_0.png")
    page.upload("verify-b", "broken.png")
    page.press("verify-run")
    said = page.wait_text("#verify-result [role=alert]")
    assert said.startswith("Cannot decode 'broken.png': it is broken or cut short")
    assert str(page.pictures) not in said
    page.open(page.driver.current_url)
    field = page.driver.find_element("css selector", "#verify-a input[type=file]")
    field.send_keys(str(page.pictures / "large.png"))
    page.wait_text("body", "exceed the maximum allowed size of 512")
    assert "large.png" in page.text("body")
    page.press("verify-run")
    assert "no images were given" in page.wait_text("#verify-result [role=alert]").lower()


@needs_browser
@pytest.mark.slow
def test_explain_shows_its_pictures(page: Page) -> None:
    page.tab("Explain")
    page.upload("explain-image", "source0_0.png")
    page.upload("explain-other", "source1_0.png")
    page.press("explain-run")
    assert "Different generators" in page.wait_text("#explain-result .fp-card")
    widths = page.driver.execute_script(
        "return [...document.querySelectorAll('#explain-result img')].map(i => i.naturalWidth)"
    )
    assert len(widths) == 9  # windows, residual, spectrum and neighbours of both; the profile
    assert min(widths) > 200


@needs_browser
@pytest.mark.slow
def test_it_fits_a_telephone_and_nothing_leaves_the_machine(page: Page, server: Server) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        page.driver.get_log("performance")  # of the other tests
        page.open(server.address)
        page.upload("verify-a", "source0_0.png")
        page.upload("verify-b", "flat.png")
        page.press("verify-run")
        assert page.wait_text("#verify-result .fp-card").startswith("Inconclusive")
        for name in TABS:
            page.tab(name)
            width = page.driver.execute_script("return document.documentElement.scrollWidth")
            assert width <= 400, name
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    messages = [json.loads(e["message"])["message"] for e in page.driver.get_log("performance")]
    asked = [
        urlsplit(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    hosts = {url.hostname for url in asked if url.scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}
    assert server.outside.read_text() == ""


@pytest.mark.slow
def test_the_server_itself_refuses_what_it_does_not_take(server: Server) -> None:
    def upload(size: int, name: str = "a.png", **headers: str) -> int:
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n'
        body = body % name.encode() + bytes(size) + b"\r\n--x--\r\n"
        request = urllib.request.Request(
            f"{server.address}gradio_api/upload",
            body,
            {"Content-Type": "multipart/form-data; boundary=x", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert upload(1000) == 200
    assert upload(600_000) == 413
    assert upload(1000, Origin="https://evil.example") == 403
    assert upload(1000, Host="evil.example") == 403
    assert upload(1000, Origin=server.address.rstrip("/")) == 200
    for name in ("", " ", ".", "..", "/", "a/..", "?", "*.*"):
        assert upload(1000, name) == 400, name
    for name in ("a", "a/b.png", ".png", "Zaunkönig", "鳥.png"):
        assert upload(1000, name) == 200, name


@pytest.mark.slow
def test_a_taken_port_is_said(server: Server, tiny_model_path: Path) -> None:
    port = str(urlsplit(server.address).port)
    command = [sys.executable, "-m", "fingerprint_sdk", "web", "--model", str(tiny_model_path)]
    done = subprocess.run(
        [*command, "--port", port], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 2
    assert f"port {port}: it is in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_space_serves_the_same_page(tiny_model_path: Path, tmp_path: Path) -> None:
    program = "import runpy; runpy.run_path('examples/space/app.py', run_name='__main__')"
    settings = {"FINGERPRINT_MODEL": str(tiny_model_path), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with serving(program, [], tmp_path, **settings) as space:
        with urllib.request.urlopen(f"{space.address}config", timeout=30) as response:
            config = json.load(response)
        assert config["title"] == "Fingerprint"
        assert config["analytics_enabled"] is False
        assert "at most 10 MB each" in json.dumps(config["components"])
        assert space.outside.read_text() == ""
