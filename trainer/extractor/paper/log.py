"""The log of a training by steps: read back, and drawn."""

from __future__ import annotations

from pathlib import Path

from trainer.checkpoint import read_csv_log


def read_logs(out: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every `log.csv` in a training's folder, by the name of the folder it is in."""
    return {path.parent.name: read_csv_log(path) for path in sorted(out.rglob("log.csv"))}


def plot_losses(out: Path) -> Path | None:
    """Draw the logs as `losses.png`: the loss on the left, held-out AUC on the right.

    None where nothing was trained by steps.
    """
    from matplotlib.figure import Figure

    logs = read_logs(out)
    if not logs:
        return None
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, rows in logs.items():
        steps = [int(row["step"]) for row in rows]
        left.plot(steps, [float(row["loss"]) for row in rows], label=name)
        right.plot(steps, [float(row["held_out_auc"]) for row in rows])
    left.set(xlabel="step", ylabel="loss", yscale="log")
    left.legend(fontsize="small")
    right.set(xlabel="step", ylabel="verification AUC, held-out synthetic models")
    figure.savefig(out / "losses.png", dpi=120)
    return out / "losses.png"
