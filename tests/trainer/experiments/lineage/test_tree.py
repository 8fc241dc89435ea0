"""Lineage: the tree and its support against SciPy and a plain loop, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs the trainer extra")
pytest.importorskip("sklearn", reason="needs the trainer extra")

from scipy.cluster.hierarchy import average, fcluster, to_tree
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score
from support.cli_runner import write_generators
from support.tiny_model import synthetic_image
from typer.testing import CliRunner

from trainer.cli import app
from trainer.experiments.lineage.tree import clades, family_agreement, grow_tree, trace


def families(spread: float, *, apart: float = 0.3) -> dict[str, np.ndarray]:
    """Two families of three models around a direction each; `apart` moves members from it."""
    rng = np.random.default_rng(0)
    roots = np.linalg.qr(rng.standard_normal((24, 24)))[0][:2]
    out = {}
    for root, name in zip(roots, "ab", strict=True):
        for member in range(3):
            centre = root + apart * rng.standard_normal(24) / np.sqrt(24)
            rows = centre + spread * rng.standard_normal((12, 24)) / np.sqrt(24)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            out[f"{name}{member}"] = rows.astype(np.float32)
    return out


def test_the_tree_is_scipys_average_linkage_by_cosine() -> None:
    embeddings = families(0.5)
    prints = np.stack([rows.astype(float).mean(axis=0) for rows in embeddings.values()])
    distances = pdist(prints, "cosine")
    expected = average(distances)
    tree = grow_tree(embeddings, resamples=5)
    np.testing.assert_allclose(tree.merges, expected, atol=1e-9)
    np.testing.assert_allclose(tree.distances[np.triu_indices(6, 1)], distances, atol=1e-9)
    branches = [
        frozenset(node.pre_order()) for node in (to_tree(expected, rd=True)[1])[len(embeddings) :]
    ]
    assert clades(tree.merges) == branches


def test_clear_branches_are_supported_and_chance_ones_are_not() -> None:
    embeddings = families(0.3)
    tree = grow_tree(embeddings, resamples=60)
    support = dict(zip(clades(tree.merges), tree.support, strict=True))
    assert support[frozenset({0, 1, 2})] == 1
    assert support[frozenset({3, 4, 5})] == 1
    assert tree.cophenetic > 0.9
    # Three models without any difference: which two join first is left to chance.
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((3, 15, 24)) + 2
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    same = grow_tree(dict(zip("xyz", rows, strict=True)), resamples=200)
    assert 0.1 < same.support[0] < 0.8
    assert same.support[-1] == 1  # the root holds everything in every tree


def test_family_agreement_is_the_adjusted_rand_index() -> None:
    embeddings = families(0.3)
    tree = grow_tree(embeddings, resamples=1)
    truth = {name: name[0] for name in embeddings}
    assert family_agreement(tree, truth) == 1
    shuffled = dict(zip(embeddings, "ababab", strict=True))
    groups = fcluster(tree.merges, 2, "maxclust")
    assert family_agreement(tree, shuffled) == adjusted_rand_score(list("ababab"), groups)


def test_variants_are_traced_to_the_nearest_base() -> None:
    embeddings = families(0.6) | {"c": -families(0.6)["a0"]}
    # b2 is said to stem from a0: it is traced to b0 all the same.
    bases = {"a1": "a0", "a2": "a0", "b1": "b0", "b2": "a0"}
    traced = {one.variant: one for one in trace(embeddings, bases, resamples=20)}
    assert {name: one.nearest for name, one in traced.items()} == {
        "a1": "a0", "a2": "a0", "b1": "b0", "b2": "b0",
    }  # fmt: skip
    assert traced["a1"].supported == traced["b1"].supported == 1
    assert traced["b2"].supported == 0
    nearer = [
        float(row @ embeddings["a0"].mean(0)) / np.linalg.norm(embeddings["a0"].mean(0))
        > float(row @ embeddings["b0"].mean(0)) / np.linalg.norm(embeddings["b0"].mean(0))
        for row in embeddings["a1"]
    ]
    assert traced["a1"].images == pytest.approx(np.mean(nearer))
    assert traced["a1"].among_all in ("a0", "a2")


def test_a_tree_of_two_is_refused() -> None:
    embeddings = families(0.1)
    with pytest.raises(ValueError, match="at least three models"):
        grow_tree({name: embeddings[name] for name in ("a0", "a1")})


@pytest.fixture(scope="module")
def image_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models a and b by one texture, c and d by another, e by its own."""
    root = tmp_path_factory.mktemp("lineage")
    textures = {"a": 0, "b": 0, "c": 1, "d": 1, "e": 2}
    write_generators(
        root / "image_set",
        {
            name: [synthetic_image(source, 10 * ord(name) + i, 128, 128) for i in range(4)]
            for name, source in textures.items()
        },
    )
    (root / "decoders.csv").write_text(
        "model,decoder,basis\na,first,original\nb,first,fine-tune of a\nc,second,original\n"
        "d,second,public model card\n"
    )
    return root / "image_set"


def test_the_command_traces_families(
    image_set: Path, tmp_path: Path, tiny_model_path: Path
) -> None:
    command = ["lineage", "--model", str(tiny_model_path), "--images", str(image_set)]
    command += ["--base", "a", "--base", "c", "--out", str(tmp_path), "--resamples", "10"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "lineage.json").read_text())["figures"]
    assert figures["family"] == {"a": "a", "b": "a", "c": "c", "d": "c"}
    assert {one["variant"]: one["nearest"] for one in figures["traced"]} == {"b": "a", "d": "c"}
    assert figures["groups"]["fine-tuned or derived"]["variants"] == 1
    assert figures["groups"]["all"] == {
        "variants": 2, "traced": 1.0, "images": 1.0, "same_family_among_all": 1.0,
    }  # fmt: skip
    assert figures["adjusted_rand_index"] == 1
    assert ["a", "b"] in figures["tree"]["branches"]
    assert (tmp_path / "lineage-dendrogram.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("bases", "message"),
    [
        (["a"], "at least two base models"),
        (["a", "z"], "no model 'z' in the image set: it has a, b, c, d, e"),
        (["a", "b"], "share a decoder"),
        (["e", "missing-decoder"], "no model"),
    ],
)
def test_bad_bases_are_named(
    bases: list[str], message: str, image_set: Path, tmp_path: Path, tiny_model_path: Path
) -> None:
    command = ["lineage", "--model", str(tiny_model_path), "--images", str(image_set)]
    command += [part for base in bases for part in ("--base", base)]
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert message in result.output
