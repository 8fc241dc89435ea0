"""The web page: who made this, and the other verbs, in a browser. Needs the extra ``web``.

Uploads stay on the server that runs it, which is by default this machine only, and are deleted
within two hours, and when it ends, in whatever way. The page loads nothing from anywhere else and
reports nothing to anyone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fingerprint_sdk.errors import FingerprintError
from fingerprint_sdk.extras import need
from fingerprint_sdk.web.actions import Actions
from fingerprint_sdk.web.guard import Guard
from fingerprint_sdk.web.html import footer, header
from fingerprint_sdk.web.tabs import (
    enroll_tab,
    explain_tab,
    identify_tab,
    keep_galleries_shown,
    verify_tab,
    who_tab,
)
from fingerprint_sdk.web.uploads import UploadLimit, upload_folder

if TYPE_CHECKING:
    from fingerprint_sdk.extractor import Extractor
    from fingerprint_sdk.gallery import Gallery

_CLEAN_EVERY, _KEEP = 600, 3600  # seconds
_MAX_SESSIONS = 500
_GRADIO_FILES = "GRADIO_TEMP_DIR"
_HERE = Path(__file__)


def serve(
    extractor: Extractor,
    gallery: Gallery | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    max_upload: float = 32.0,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until interrupted.

    Args:
        extractor: the model.
        gallery: what visitors start with; each one changes a copy.
        host: address to listen on. "127.0.0.1" is this machine only; "0.0.0.0" lets in anyone
            who can reach it.
        port: to listen on.
        max_upload: megabytes of one file.
        ready: called with the page's address once it can be opened.

    Raises:
        FingerprintError: Gradio or matplotlib is not installed, the port is taken, or
            ``max_upload`` is not more than 0.
        GalleryError: the gallery is of another model.
    """
    need("matplotlib", "web", "the web page")
    actions = Actions(extractor, gallery, UploadLimit(max_upload))
    with upload_folder() as uploads, _gradio_keeps_files_in(uploads):
        _serve(build(actions), actions, uploads, host, port, ready)


def _serve(
    blocks: Any,
    actions: Actions,
    uploads: Path,
    host: str,
    port: int,
    ready: Callable[[str], None] | None,
) -> None:
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            app_kwargs={"middleware": [_guard(host, uploads, actions.limit.total)]},
            **launch_options(actions.limit),
        )
        if ready is not None:
            ready(blocks.local_url)
        with _stopped_by_termination():
            blocks.block_thread()
    except OSError as error:
        raise FingerprintError(
            f"cannot listen on {host}, port {port}: it is in use or not allowed; choose another"
        ) from error
    finally:
        blocks.close(verbose=False)
        actions.close()


def _guard(host: str, uploads: Path, total: int) -> Any:
    from starlette.middleware import Middleware  # which Gradio brings

    return Middleware(Guard, host=host, uploads=uploads, total=total)


@contextmanager
def _gradio_keeps_files_in(folder: Path) -> Iterator[None]:
    before = os.environ.get(_GRADIO_FILES)
    os.environ[_GRADIO_FILES] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_GRADIO_FILES]
        else:
            os.environ[_GRADIO_FILES] = before


@contextmanager
def _stopped_by_termination() -> Iterator[None]:
    """End on SIGTERM as on Ctrl+C, so that service managers, too, leave no uploads behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def launch_options(limit: UploadLimit) -> dict[str, Any]:
    """Arguments of ``launch`` that keep the page quiet, private and offline."""
    gr = need("gradio", "web", "the web page")
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        # Plain strings would be looked for among Gradio's own fonts, and not found.
        font=[gr.themes.Font(name) for name in fonts],
        font_mono=[gr.themes.Font(name) for name in mono],
    ).set(
        # Gradio's grey for help texts is too faint to read.
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        # White on Gradio's own blue has a contrast of 3.7; on this one 5.2.
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
    return {
        "theme": theme,
        "css_paths": [_HERE.with_name("web.css"), _HERE.parents[1] / "explanation/scale.css"],
        "js": _HERE.with_name("page.js").read_text(encoding="utf-8"),
        "footer_links": [],
        "max_file_size": limit.bytes,
        "state_session_capacity": _MAX_SESSIONS,
        "quiet": True,
        "show_error": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "run_history": False,
    }


def build(actions: Actions) -> Any:
    """The page, a ``gradio.Blocks`` to launch with ``launch_options``.

    Raises:
        FingerprintError: Gradio is not installed.
    """
    gr = need("gradio", "web", "the web page")
    with gr.Blocks(
        title="Fingerprint", analytics_enabled=False, delete_cache=(_CLEAN_EVERY, _KEEP)
    ) as blocks:
        gr.HTML(str(header()), apply_default_css=False)
        session = gr.State(None)
        with gr.Tab("Who made this?"):
            source = who_tab(gr, actions, session)
        with gr.Tab("Verify"):
            verify_tab(gr, actions)
        with gr.Tab("Identify"):
            identify = identify_tab(gr, actions, session)
        with gr.Tab("Enroll"):
            enroll = enroll_tab(gr, actions, session)
        with gr.Tab("Explain"):
            explain_tab(gr, actions, session)
        gr.HTML(str(footer(actions.extractor, actions.limit)), apply_default_css=False)
        keep_galleries_shown(gr, actions, session, blocks, source, identify, enroll)
    blocks.queue(default_concurrency_limit=2, max_size=64)
    return blocks
