"""The extractor on a real model: equal to the contract computed by hand, and robust."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from support.tiny_model import TINY_CALIBRATION, synthetic_image

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]


def test_it_tells_what_it_is(extractor: fp.Extractor, tiny_model_path: Path) -> None:
    assert (extractor.name, extractor.version) == ("tiny", "0.0.1")
    assert extractor.license == "Apache-2.0"
    assert (extractor.embedding_size, extractor.window_size) == (16, 128)
    assert extractor.device == "cpu"
    assert extractor.providers == ("CPUExecutionProvider",)
    digest = hashlib.sha256(tiny_model_path.read_bytes()).hexdigest()
    assert extractor.model_sha256 == digest
    assert extractor.calibration.default_fmr == TINY_CALIBRATION["default_fmr"]


def test_an_embedding_is_the_normalised_mean_over_nine_windows(
    extractor: fp.Extractor, tiny_model_path: Path, sample_images: Images
) -> None:
    pixels = sample_images["source0"][0]  # 200 x 260
    session = onnxruntime.InferenceSession(tiny_model_path, providers=["CPUExecutionProvider"])
    rows = []
    for top in (0, 32, 72):
        for left in (0, 64, 128):
            window = pixels[top : top + 128, left : left + 128].transpose(2, 0, 1)[None]
            rows.append(session.run(None, {"windows": np.ascontiguousarray(window)})[0][0])
    mean = np.mean(rows, axis=0)
    np.testing.assert_allclose(
        extractor.embed(pixels), mean / np.linalg.norm(mean), rtol=0, atol=1e-6
    )


def test_golden_vector(extractor: fp.Extractor, sample_images: Images) -> None:
    """Any change of decoding, windows, averaging or model shows here."""
    golden = [
        -0.025140,
        0.075997,
        0.059203,
        0.078327,
        0.292039,
        0.115412,
        -0.349085,
        0.486353,
        0.024554,
        -0.206350,
        -0.062171,
        -0.278915,
        -0.253946,
        -0.094349,
        0.573250,
        -0.009925,
    ]
    np.testing.assert_allclose(extractor.embed(sample_images["source2"][3]), golden, atol=2e-5)


def test_shapes_dtypes_and_norms(extractor: fp.Extractor, sample_images: Images) -> None:
    one = extractor.embed(sample_images["source0"][0])
    many = extractor.embed(iter(sample_images["source0"]))
    assert (one.shape, one.dtype) == ((16,), np.float32)
    assert (many.shape, many.dtype) == ((6, 16), np.float32)
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-6)
    assert extractor.embed([sample_images["source0"][0]]).shape == (1, 16)
    assert extractor.embed([]).shape == (0, 16)
    stacked = extractor.embed(np.stack(sample_images["source0"]))
    np.testing.assert_array_equal(stacked, many)


def test_lossless_re_encoding_gives_bit_identical_embeddings(
    extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    pixels = sample_images["source1"][2]
    image = Image.fromarray(pixels)
    expected = extractor.embed(pixels)
    for name, options in {
        "a.png": {},
        "b.png": {"compress_level": 0},
        "c.bmp": {},
        "d.webp": {"lossless": True},
        "e.tiff": {"compression": "tiff_deflate"},
    }.items():
        image.save(tmp_path / name, **options)
        np.testing.assert_array_equal(extractor.embed(tmp_path / name), expected)
    np.testing.assert_array_equal(extractor.embed(image), expected)


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (3, 2), (100, 4)])
def test_batching_changes_nothing_but_rounding(
    extractor: fp.Extractor, batch_size: int, workers: int
) -> None:
    sizes = [(200, 260), (60, 60), (128, 128), (129, 300), (500, 90), (300, 300), (130, 131)]
    images = [synthetic_image(i, i, *size) for i, size in enumerate(sizes)]
    alone = np.stack([extractor.embed(image) for image in images])
    together = extractor.embed(images, batch_size=batch_size, workers=workers)
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_embed_windows_embeds_each_window(extractor: fp.Extractor, sample_images: Images) -> None:
    pixels = sample_images["source0"][0][:128, :128]
    window = pixels.transpose(2, 0, 1)
    many = extractor.embed_windows(np.repeat(window[None], 40, axis=0))
    assert many.shape == (40, 16)
    np.testing.assert_allclose(many, np.tile(extractor.embed(pixels), (40, 1)), atol=1e-6)
    assert extractor.embed_windows(np.empty((0, 3, 128, 128), np.uint8)).shape == (0, 16)


@pytest.mark.parametrize(
    "windows",
    [
        np.zeros((1, 3, 128, 128), np.float32),
        np.zeros((3, 128, 128), np.uint8),
        np.zeros((1, 128, 128, 3), np.uint8),
        [[0]],
    ],
)
def test_embed_windows_refuses_anything_else(extractor: fp.Extractor, windows: object) -> None:
    with pytest.raises(fp.ImageError, match="windows must"):
        extractor.embed_windows(windows)


def test_embed_stops_at_the_first_unusable_image(
    extractor: fp.Extractor, sample_images: Images
) -> None:
    good = sample_images["source0"][0]
    with pytest.raises(fp.ImageError, match=r"absent\.png"):
        extractor.embed([good, "absent.png", good, b"worse"])
    with pytest.raises(fp.ImageError, match="cannot take an image from"):
        extractor.embed(None)
    with pytest.raises(fp.ImageError, match="uint8"):
        extractor.embed(good / 255)


def test_embed_many_reports_the_unusable_and_keeps_the_rest(
    extractor: fp.Extractor, sample_images: Images
) -> None:
    good = sample_images["source0"]
    inputs = [good[0], "absent.png", good[1], b"", good[2], None]
    done: list[int] = []
    result = extractor.embed_many(inputs, batch_size=2, progress=done.append)
    assert result.indices == (0, 2, 4)
    np.testing.assert_allclose(result.embeddings, extractor.embed(good[:3]), atol=1e-6)
    assert [failure.index for failure in result.failures] == [1, 3, 5]
    assert "absent.png" in str(result.failures[0].error)
    assert len(result.quality) == 3
    assert done == [1, 2, 3, 4, 5, 6]
    nothing = extractor.embed_many([b"", b""])
    assert nothing.embeddings.shape == (0, 16)
    with pytest.raises(fp.ImageError, match=r"absent\.png"):
        extractor.embed_many(inputs, on_error="raise")


def test_a_heap_with_corrupt_files_is_embedded_but_for_those(
    extractor: fp.Extractor, tmp_path: Path
) -> None:
    whole = {}
    for source in range(4):
        for kind in ("PNG", "JPEG", "WEBP"):
            file = io.BytesIO()
            Image.fromarray(synthetic_image(source, 0, 140, 150)).save(file, kind)
            whole[source, kind] = file.getvalue()
    paths, broken = [], {}
    for index, ((_, kind), content) in zip(range(300), cycle(whole.items()), strict=False):
        damage = {
            7: content[: len(content) // 2],  # cut short
            31: b"",
            55: b"GIF89a" + content[6:],  # another format's start
            79: bytes(1000) + content,
            92: b"<html>not found</html>",
        }.get(index % 96)
        paths.append(tmp_path / f"{index:03}.{kind.lower()}")
        paths[-1].write_bytes(content if damage is None else damage)
        if damage is not None:
            broken[index] = paths[-1].name
    paths[150].unlink()
    broken[150] = paths[150].name
    result = extractor.embed_many(iter(paths), batch_size=7, workers=3)
    assert {failure.index for failure in result.failures} == set(broken)
    assert len(broken) == 17
    for failure in result.failures:
        assert broken[failure.index] in str(failure.error)
    assert result.indices == tuple(i for i in range(300) if i not in broken)
    alone = {content: extractor.embed(content) for content in whole.values()}
    expected = [alone[paths[index].read_bytes()] for index in result.indices]
    np.testing.assert_allclose(result.embeddings, expected, rtol=0, atol=1e-6)
    with pytest.raises(fp.ImageError, match=re.escape(paths[7].name)):
        extractor.embed_many(paths, on_error="raise")


def test_the_next_images_are_decoded_while_a_batch_is_used(extractor: fp.Extractor) -> None:
    """The second batch is read although the first one is not yet done with."""
    file = io.BytesIO()
    Image.fromarray(synthetic_image(0, 0, 128, 128)).save(file, "PNG")
    read = [threading.Event() for _ in range(8)]

    class Watched(io.BytesIO):
        def __init__(self, index: int) -> None:
            super().__init__(file.getvalue())
            self.index = index

        def read(self, size: int | None = -1) -> bytes:
            assert threading.current_thread().name.startswith("fingerprint-decode")
            read[self.index].set()
            return super().read(size)

    seen = []

    def wait(done: int) -> None:
        if done % 4 == 1:  # the first outcome of a batch
            seen.append([event.wait(30) for event in read[done - 1 : done + 7]])

    result = extractor.embed_many(map(Watched, range(8)), batch_size=4, workers=2, progress=wait)
    assert seen == [[True] * 8, [True] * 4]
    assert len(result.embeddings) == 8


def test_a_long_iterable_is_not_read_far_ahead(extractor: fp.Extractor) -> None:
    image = synthetic_image(0, 0, 128, 128)
    read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 1
            yield image

    class EnoughError(Exception):
        pass

    def stop(done: int) -> None:
        assert read <= done + 4 + 4  # the batch in use and the one after it
        if done == 20:
            raise EnoughError

    with pytest.raises(EnoughError):
        extractor.embed_many(endless(), batch_size=4, workers=2, progress=stop)


def test_an_error_of_the_iterable_comes_through_and_leaves_no_threads(
    extractor: fp.Extractor,
) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield synthetic_image(0, 0)
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        extractor.embed(broken())
    assert not [t for t in threading.enumerate() if t.name.startswith("fingerprint-decode")]


def test_several_threads_may_share_one_extractor(
    extractor: fp.Extractor, sample_images: Images
) -> None:
    lazy = io.BytesIO()
    Image.fromarray(sample_images["source0"][0]).save(lazy, "PNG")
    with Image.open(lazy) as shared:  # one lazily decoded image, given many times
        rows = extractor.embed([shared] * 12, batch_size=3, workers=4)
    np.testing.assert_allclose(
        rows, np.tile(extractor.embed(sample_images["source0"][0]), (12, 1)), atol=1e-6
    )
    expected = {name: extractor.embed(images) for name, images in sample_images.items()}
    got: dict[str, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda n=name: got.update({n: extractor.embed(sample_images[n])}))
        for name in sample_images
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-6)


def test_verify_takes_images_and_sets(extractor: fp.Extractor, sample_images: Images) -> None:
    same = extractor.verify(sample_images["source0"][0], sample_images["source0"][1])
    different = extractor.verify(sample_images["source0"][0], sample_images["source1"][0])
    assert same.same
    assert not different.same
    assert same.score > different.score
    assert same.probability > 0.5 > different.probability
    sets = extractor.verify(sample_images["source0"][:2], iter(sample_images["source1"][:5]))
    assert sets.images == (2, 5)
    assert len(sets.quality) == 7


def test_verify_knows_a_jpeg_side(
    extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(sample_images["source0"][0]).save(path, quality=92)
    result = extractor.verify(path, sample_images["source0"][1])
    assert result.threshold == 0.954
    assert result.quality[0].jpeg_quality == 92


def test_a_clean_side_is_compared_with_a_jpeg_as_jpeg(
    extractor: fp.Extractor, sample_images: Images, tmp_path: Path
) -> None:
    def encoded(pixels: np.ndarray, quality: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=2)
        return buffer.getvalue()

    clean, others = sample_images["source0"][:2], sample_images["source0"][2:4]
    files = [encoded(pixels, 60) for pixels in others]
    result = extractor.verify(clean, files)
    assert (result.copy, result.to_dict()["copy"]) == ("jpeg 60 4:2:0",) * 2
    assert [q.lossy for q in result.quality] == [None, None, True, True]
    # By the file's own tables, so as if the clean side had been saved in the same way.
    alike = extractor.verify([encoded(x, 60) for x in clean], files)
    assert result.score == pytest.approx(alike.score, abs=1e-5)
    assert extractor.verify(files, clean).score == pytest.approx(result.score, abs=1e-6)
    as_it_is = extractor.verify(extractor.embed(clean), extractor.embed(files))
    assert as_it_is.copy is None
    assert as_it_is.score != pytest.approx(result.score, abs=1e-4)
    assert extractor.verify(iter(clean), iter(files)) == result, "a stream is kept until then"
    path = tmp_path / "a.png"
    Image.fromarray(clean[0]).save(path)
    with path.open("rb") as opened:
        assert extractor.verify(files[0], opened).copy == "jpeg 60 4:2:0"
    assert extractor.verify(files[0], path).copy == "jpeg 60 4:2:0"
    assert extractor.verify(files[0], files[1]).copy is None
    assert extractor.verify(clean[0], clean[1]).copy is None
    assert extractor.verify([clean[0], files[0]], files[1]).copy is None


def test_two_flat_images_are_never_a_certain_match(extractor: fp.Extractor) -> None:
    result = extractor.verify(*(np.full((200, 200, 3), v, np.uint8) for v in (10, 240)))
    assert (result.verdict, result.reasons) == ("inconclusive", ("flat",))
    assert result.likelihood_ratio == 1
    assert all(q.flat for q in result.quality)


def test_an_empty_side_is_an_image_error(extractor: fp.Extractor, sample_images: Images) -> None:
    with pytest.raises(fp.ImageError, match="at least one"):
        extractor.verify(sample_images["source0"], [])


@pytest.mark.parametrize("argument", ["batch_size", "workers"])
def test_sizes_below_one_are_refused(extractor: fp.Extractor, argument: str) -> None:
    with pytest.raises(ValueError, match=argument):
        extractor.embed([synthetic_image(0, 0)], **{argument: 0})


def test_results_are_json(extractor: fp.Extractor, sample_images: Images) -> None:
    result = extractor.verify(sample_images["source0"][0], sample_images["source0"][1])
    assert json.loads(result.to_json()) == json.loads(json.dumps(result.to_dict()))
    assert json.loads(result.to_json())["verdict"] == result.verdict
