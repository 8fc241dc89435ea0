"""Extractors, galleries and indexes in other processes: forked, spawned, pickled."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.paths import INSTALLED, ROOT

import fingerprint_sdk as fp

Images = dict[str, list[np.ndarray]]

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

START = """
import os, sys, threading, traceback
import numpy as np
import fingerprint_sdk as fp
from support.tiny_model import synthetic_image

def done(process):
    _, status = os.waitpid(process, 0)
    assert status == 0, status

extractor = fp.load(sys.argv[1], device="cpu", threads=2)
images = [synthetic_image(0, i) for i in range(4)]
before = extractor.embed(images)  # starts the threads that a child will not have
"""


def run(program: str, *arguments: object) -> str:
    """What a program prints in a process of its own, in a minute at most."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", START + program]
        + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(ROOT / "tests")])},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@forks
def test_an_extractor_used_before_a_fork_works_in_the_child_and_its_child(
    tiny_model_path: Path,
) -> None:
    run(
        """
def child(depth):
    process = os.fork()
    if process:
        return done(process)
    status = 1
    try:
        np.testing.assert_array_equal(extractor.embed(images), before)
        if depth:
            child(depth - 1)
        status = 0
    finally:
        os._exit(status)

child(1)
np.testing.assert_array_equal(extractor.embed(images), before)
""",
        tiny_model_path,
    )


@forks
def test_what_a_thread_was_computing_can_be_computed_in_a_child(tiny_model_path: Path) -> None:
    run(
        """
from fingerprint_sdk.process.forks import cached_property

class Slow:
    @cached_property
    def value(self):
        if self is slow:
            at_work.set()
            go_on.wait()
        return 1

slow, at_work, go_on = Slow(), threading.Event(), threading.Event()
thread = threading.Thread(target=lambda: slow.value)
thread.start()
at_work.wait()
process = os.fork()
if not process:
    os._exit(Slow().value - 1)
done(process)
go_on.set()
thread.join()
assert slow.value == 1
""",
        tiny_model_path,
    )


@forks
def test_a_child_forked_while_threads_are_at_work_is_not_kept_waiting(
    tiny_model_path: Path,
) -> None:
    run(
        """
gallery = fp.Gallery(extractor)
gallery.enroll("a", images, copies=False)
gallery.enroll("b", [synthetic_image(1, i) for i in range(4)], copies=False)
other = gallery["b"].embeddings[:1]
stop = threading.Event()

def work():
    from PIL import Image
    picture = Image.fromarray(images[0])
    while not stop.is_set():
        gallery.identify([images[0], picture])
        gallery.enroll("c", other)

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(10):
    process = os.fork()
    if not process:
        status = 1
        try:
            assert gallery.identify(images[0]).nearest == "a"
            gallery.enroll("d", other)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        done(process)
    except AssertionError:
        stop.set()
        raise
stop.set()
for thread in threads:
    thread.join()
""",
        tiny_model_path,
    )


@forks
def test_a_gpus_model_is_refused_in_a_forked_child(tiny_model_path: Path) -> None:
    said = run(
        """
extractor._model.runner.device = "cuda"  # as if it were: what a child may do depends on it
process = os.fork()
if not process:
    try:
        extractor.embed(images)
    except fp.DeviceError as error:
        print(error, flush=True)
    finally:
        os._exit(0)
done(process)
""",
        tiny_model_path,
    )
    assert "'spawn'" in said


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_a_data_loader_embed(
    method: str, tiny_model_path: Path, tmp_path: Path, extractor: fp.Extractor
) -> None:
    pytest.importorskip("torch")
    if method != "spawn" and not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    program = tmp_path / "program.py"  # a spawned worker imports it again
    program.write_text(
        """
import sys
import numpy as np
import torch
import fingerprint_sdk as fp
from support.tiny_model import synthetic_image

class Embedded(torch.utils.data.Dataset):
    def __init__(self, extractor):
        self.extractor = extractor
    def __len__(self):
        return 4
    def __getitem__(self, place):
        return self.extractor.embed(synthetic_image(0, place))

if __name__ == "__main__":
    extractor = fp.load(sys.argv[1], device="cpu", threads=2)
    before = extractor.embed([synthetic_image(0, i) for i in range(4)])
    loader = torch.utils.data.DataLoader(
        Embedded(extractor), 2, num_workers=2, multiprocessing_context=sys.argv[2]
    )
    np.testing.assert_allclose(torch.cat(list(loader)).numpy(), before, atol=1e-6)
"""
    )
    subprocess.run(
        [sys.executable, "-W", "ignore", str(program), str(tiny_model_path), method],
        check=True,
        timeout=100,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(ROOT / "tests")])},
    )


def test_an_extractor_is_pickled_with_its_model(
    tiny_model_path: Path, tmp_path: Path, sample_images: Images
) -> None:
    path = tmp_path / "gone.onnx"
    path.write_bytes(tiny_model_path.read_bytes())
    extractor = fp.Extractor.from_file(path, device="cpu", threads=1, windows=5)
    pickled = pickle.dumps(extractor)
    path.unlink()
    again = pickle.loads(pickled)
    assert (again.identity, again.windows) == (extractor.identity, 5)
    images = sample_images["source0"]
    np.testing.assert_array_equal(again.embed(images), extractor.embed(images))


def test_a_pickled_extractor_has_its_built_in_gallery(
    known_model_dir: Path, sample_images: Images
) -> None:
    extractor = fp.load(known_model_dir, device="cpu", threads=1)
    probe = sample_images["source0"][5]
    expected = fp.known(extractor).identify(probe)
    again = pickle.loads(pickle.dumps(extractor))
    assert again.path == extractor.path
    assert fp.known(again).identify(probe) == expected


@forks
def test_a_child_forked_while_the_built_in_gallery_is_read_has_it(known_model_dir: Path) -> None:
    run(
        """
from fingerprint_sdk.gallery import builtin
found = builtin.shared(extractor).identify(images[0]).nearest
held, stop = threading.Event(), threading.Event()

def hold():
    with builtin._lock:
        held.set()
        stop.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
process = os.fork()
if not process:
    status = 1
    try:
        assert builtin.shared(extractor).identify(images[0]).nearest == found
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
done(process)
stop.set()
thread.join()
""",
        known_model_dir,
    )


def test_a_gallery_is_pickled_with_its_entries(gallery: fp.Gallery, sample_images: Images) -> None:
    probe = sample_images["source0"][5]
    expected = gallery.identify(probe)
    again = pickle.loads(pickle.dumps(gallery))
    assert again.identify(probe) == expected
    again.enroll("new", sample_images["source2"][:2], copies=False)
    assert "new" not in gallery


def test_the_default_model_is_not_pickled() -> None:
    gallery = fp.Gallery()
    assert gallery.extractor.name == "compact"
    assert len(pickle.dumps(gallery)) < 100_000
    assert pickle.loads(pickle.dumps(gallery)).model == gallery.model


def test_an_index_is_pickled_as_its_file(
    index: fp.Index, sample_images: Images, tmp_path: Path
) -> None:
    with pytest.raises(fp.GalleryError, match="save it first"):
        pickle.dumps(index)
    path = tmp_path / "i.fpi"
    index.save(path)
    pickled = pickle.dumps(index)
    again = pickle.loads(pickled)
    probe = sample_images["source0"][5]
    assert again.names == index.names
    assert again.search(probe) == index.search(probe)
    index.remove(index.names[:1])
    with pytest.raises(fp.GalleryError, match="save it first"):
        pickle.dumps(index)
    index.add(sample_images["source2"][-1:], names=["as many again"])
    with pytest.raises(fp.GalleryError, match="save it first"):
        pickle.dumps(index)
    index.save(path)
    assert pickle.loads(pickle.dumps(index)).names == index.names
    with pytest.raises(fp.GalleryError, match=r"i\.fpi' was changed"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(fp.GalleryError, match=r"no index file .*i\.fpi"):
        pickle.loads(pickled)
