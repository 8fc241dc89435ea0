"""Which synthetic models: Tables III to V, and how many, how faithful, of which pool."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from trainer.experiments.ablation.variants import RUN, Setting, Variant, rendered_anew
from trainer.experiments.analysis.fidelity import REDUCTIONS
from trainer.synthesis import ModelId, architecture_from_id

FEWEST = 16
"""Training models below which a family is left out."""
SEEDS = (1, 2, 3, 4, 5, 10, 15, 20)
# Identification accuracy and verification AUC, in %.
_TABLE_3 = {
    "w/o K (one block)": (92.69, 94.57),
    "w/o L (one convolution)": (90.04, 95.08),
    "w/o S (conv-norm-act)": (93.91, 95.56),
    "w/o U (bilinear)": (88.96, 94.18),
    "w/o A (no activation)": (87.03, 92.19),
    "w/o N (no normalisation)": (93.47, 94.80),
}
_ALL = (94.03, 95.69)
_TABLE_4 = {5: (91.04, 96.11), 10: (93.03, 94.70), 15: (93.96, 95.37), 20: _ALL}


def synthesis(setting: Setting) -> list[Variant]:
    """Table III: the whole pool, as many models of it at random, and each reduced family."""
    architectures = [architecture_from_id(model.architecture) for model in setting.models]
    families = {
        name: np.array([keeps(a) for a in architectures]) for name, keeps in REDUCTIONS.items()
    }
    training = setting.training
    sizes = {name: int((family & training).sum()) for name, family in families.items()}
    sizes = {name: n for name, n in sizes.items() if FEWEST <= n < training.sum()}
    if not sizes:
        raise ValueError(f"no reduced family of this run has {FEWEST} models; give a larger pool")
    count = min(sizes.values()) if setting.equal else None
    found = [Variant("all models", setting.base, setting.take(), paper=_ALL)]
    if count is not None:
        found.append(Variant("all, as many at random", setting.base, setting.take(count=count)))
    return found + [
        Variant(name, setting.base, setting.take(families[name], count), paper=_TABLE_3[name])
        for name in sizes
    ]


def seeds(setting: Setting) -> list[Variant]:
    """Table IV: more seeds of the same architectures; and the same number of models either way.

    Only architectures that have all the seeds take part. Seeds 1 and 2 of the wider family are
    near twins of seed 0.
    """
    rank, most = _seed_ranks(setting)
    per_architecture = Counter(_architecture(name) for name in setting.models)
    complete = np.array([per_architecture[_architecture(n)] >= most for n in setting.models])
    counts = [k for k in SEEDS if k < most] + [most]
    if most < 2:
        raise ValueError("every architecture of this run has one seed; give a pool with more")
    found = [
        Variant(
            f"{k} seed{'s' if k > 1 else ''} of every architecture",
            setting.base,
            setting.take(complete & (rank < k)),
            paper=_TABLE_4.get(k),
        )
        for k in counts
    ]
    order = np.random.default_rng(setting.seed).permutation(
        sorted({_architecture(n) for n, c in zip(setting.models, complete, strict=True) if c})
    )
    names = np.array([_architecture(name) for name in setting.models])
    trained = set(names[setting.training])
    usable = [name for name in order if name in trained]
    for k in counts[1:]:
        few = np.isin(names, usable[: max(1, len(usable) // k)])
        label = f"{k} seeds of {max(1, len(usable) // k)} architectures"
        found.append(Variant(label, setting.base, setting.take(few & complete & (rank < k))))
    return found


def photos(setting: Setting) -> list[Variant]:
    """Table V: the same models on the run's photographs and on others."""
    if not setting.rendered:
        raise ValueError("give folders of other photographs by --photos")
    rows = setting.take(count=setting.limit)
    again = np.arange(len(rendered_anew(setting)))
    own = Variant("photographs of the run", setting.base, rows, source=RUN)
    return [own] + [
        Variant(name, setting.base, again, source=name, paper=None) for name in setting.rendered
    ]


def size(setting: Setting) -> list[Variant]:
    """Accuracy against the number of models: halved five times, or until too few are left."""
    count, counts = int(setting.training.sum()), []
    while count >= FEWEST and len(counts) < 6:
        counts.append(count)
        count //= 2
    return [
        Variant(f"{n} models", setting.base, setting.take(count=n), x=n) for n in reversed(counts)
    ]


def reconstruction(setting: Setting) -> list[Variant]:
    """Accuracy against the reconstruction error: four classes of equally many models, best first.

    Architectures differ between the classes. The last two lines do not: the better and the worse
    half of each architecture's models.
    """
    if setting.errors is None:
        raise ValueError("reconstruction errors are in the pools; give all the run's by --pool")
    values, training = setting.errors, setting.training
    edges = np.quantile(values[training], (0, 0.25, 0.5, 0.75, 1))
    classes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 3)
    count = min(int((training & (classes == i)).sum()) for i in range(4))
    found = [Variant("all, as many at random", setting.base, setting.take(count=count))]
    for i in range(4):
        rows = setting.take(classes == i, count)
        middle = float(np.median(values[rows][training[rows]]))
        label = f"reconstruction error {edges[i]:.2g} to {edges[i + 1]:.2g}"
        found.append(Variant(label, setting.base, rows, x=middle))
    by_architecture = defaultdict(list)
    for i, model in enumerate(setting.models):
        by_architecture[model.architecture].append(i)  # whatever its pool
    better = np.zeros(len(values), bool)
    worse = np.zeros(len(values), bool)
    for rows in by_architecture.values():
        ordered = np.array(rows)[np.argsort(values[rows], kind="stable")]
        better[ordered[: len(ordered) // 2]] = True
        worse[ordered[len(ordered) - len(ordered) // 2 :]] = True
    if (better & training).sum() >= FEWEST:
        for name, half in (("better", better), ("worse", worse)):
            label = f"{name} half of each architecture's models"
            found.append(Variant(label, setting.base, setting.take(half)))
    return found


def pools(setting: Setting) -> list[Variant]:
    """Each pool of the run alone, and all of them, at equally many models."""
    pool = np.array([model.pool for model in setting.models])
    names = sorted(set(pool[setting.training]))
    if len(names) < 2:
        raise ValueError(f"all models of this run are of one pool, {names[0]}")
    count = min(int((setting.training & (pool == name)).sum()) for name in names)
    found = [Variant("all pools", setting.base, setting.take())]
    found.append(Variant("all pools, as many at random", setting.base, setting.take(count=count)))
    return found + [
        Variant(f"pool {name}", setting.base, setting.take(pool == name, count)) for name in names
    ]


def _architecture(model: ModelId) -> str:
    return f"{model.pool}/{model.architecture}"


def _seed_ranks(setting: Setting) -> tuple[np.ndarray, int]:
    """Each model's place among the seeds of its architecture, and the seeds that most have."""
    order = sorted(
        range(len(setting.models)),
        key=lambda i: (_architecture(setting.models[i]), setting.models[i].seed),
    )
    rank = np.zeros(len(setting.models), int)
    seen: Counter[str] = Counter()
    for i in order:
        name = _architecture(setting.models[i])
        rank[i] = seen[name]
        seen[name] += 1
    return rank, int(np.median(list(seen.values())))
