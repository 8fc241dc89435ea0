"""What decoders think of a file does not reach stderr, and nothing of the process is changed."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from support.paths import INSTALLED, ROOT
from support.tiny_model import synthetic_image

from fingerprint_sdk.images.quiet import _libtiff, quiet_decoders


def test_broken_files_print_nothing() -> None:
    program = """
import io, random
import numpy as np
from PIL import Image
from fingerprint_sdk import ImageError
from fingerprint_sdk.images import load_image
from support.tiny_model import synthetic_image

picture = Image.fromarray(synthetic_image(0, 0, 96, 96))
kinds = [("TIFF", {"compression": c}) for c in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")]
kinds += [("TIFF", {}), ("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("GIF", {})]
rng = random.Random(0)
refused = 0
for kind, options in kinds:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    for _ in range(100):
        data = bytearray(buffer.getvalue())
        for _ in range(rng.choice([1, 4])):
            near = rng.random() < 0.5
            data[rng.randrange(min(300, len(data)) if near else len(data))] = rng.randrange(256)
        try:
            load_image(bytes(data))
        except ImageError:
            refused += 1
print(refused)
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(ROOT / "tests")])},
    )
    assert int(done.stdout) > 100
    assert done.stderr == ""


def lzw_error() -> bytes:
    """A TIFF file that libtiff complains of."""
    buffer = io.BytesIO()
    picture = Image.fromarray(synthetic_image(0, 0, 96, 96))
    picture.save(buffer, "TIFF", compression="tiff_lzw")
    data = bytearray(buffer.getvalue())
    data[8:200] = bytes(range(192))
    return bytes(data)


@pytest.mark.skipif(_libtiff() is None, reason="Pillow's libtiff is out of reach here")
def test_libtiff_speaks_again_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    def decode() -> None:
        with (
            Image.open(io.BytesIO(lzw_error())) as image,
            pytest.raises(OSError, match="decoder error"),
        ):
            image.load()

    with quiet_decoders():
        decode()
    assert capfd.readouterr().err == ""
    decode()
    assert capfd.readouterr().err != ""


def test_others_may_change_the_filters_meanwhile() -> None:
    before = list(warnings.filters)
    with quiet_decoders():
        inner = warnings.catch_warnings()
        inner.__enter__()
        warnings.simplefilter("ignore", FutureWarning)
    with pytest.warns(UserWarning, match="of mine"):
        warnings.warn("of mine", UserWarning, stacklevel=1)
    inner.__exit__(None, None, None)
    assert list(warnings.filters) == before
    outer = warnings.catch_warnings()
    outer.__enter__()
    with quiet_decoders():
        outer.__exit__(None, None, None)
    assert list(warnings.filters) == before


def test_a_filter_of_the_users_stays() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        mine = list(warnings.filters)
        with quiet_decoders():
            pass
        assert list(warnings.filters) == mine


def test_other_threads_may_log(caplog: pytest.LogCaptureFixture) -> None:
    import threading

    logger = logging.getLogger("PIL.TiffImagePlugin")
    with quiet_decoders():
        logger.error("by a decoder")
        thread = threading.Thread(target=logger.error, args=("by somebody else",))
        thread.start()
        thread.join()
    logger.error("later")
    assert [record.message for record in caplog.records] == ["by somebody else", "later"]
    assert np.size(logger.filters) == 0
