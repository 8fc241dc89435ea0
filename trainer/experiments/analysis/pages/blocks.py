"""The page of exchanged blocks (Fig. 7)."""

from __future__ import annotations

from trainer.experiments.analysis.blocks import Swap, draw_blocks
from trainer.experiments.page import Experiment, Picture, Table


def blocks_page(tests: dict[str, list[Swap]], scale: str) -> Experiment:
    """Fig. 7."""
    rows = []
    for name, swaps in tests.items():
        for s in swaps:
            rows.append((name, s.swapped, *map(int, s.confusion.ravel()), 100 * s.follows_last))
    return Experiment(
        "blocks",
        "The last blocks carry the fingerprint",
        "Fig. 7",
        scale,
        {
            name: [
                {
                    "swapped": s.swapped,
                    "confusion": s.confusion.tolist(),
                    "follows_last": s.follows_last,
                }
                for s in swaps
            ]
            for name, swaps in tests.items()
        },
        [
            Picture("confusion", "Confusion matrices (Fig. 7).", draw_blocks(tests, swapped=1)),
            Table(
                "Images by who gave the early blocks → the classifier's answer. Last column: "
                "share attributed to the giver of the last blocks (with 0 swapped, to the model).",
                ("models", "swapped", "1 → M1", "1 → M2", "2 → M1", "2 → M2", "last blocks' (%)"),
                rows,
            ),
        ],
    )
