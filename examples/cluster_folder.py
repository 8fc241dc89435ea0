"""Which images of a folder share a generator? No gallery, no labels.

    python examples/cluster_folder.py examples/images

All images below the folder are taken. Broken ones are reported and left out.
"""

import sys
from pathlib import Path

import fingerprint_sdk as fp

ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}


def main(folder: str) -> None:
    paths = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in ENDINGS)
    result = fp.cluster(paths, fmr=0.01)
    for number, group in enumerate(result.groups):
        print(f"group {number}")
        for place in group:
            print(f"  {paths[place]} ({result.strength[place]:.3f})")
    alone = [str(path) for path, label in zip(paths, result.labels, strict=True) if label < 0]
    print("in no group:", ", ".join(alone) or "none")
    for failure in result.failures:
        print("left out:", failure.error)


if __name__ == "__main__":
    main(sys.argv[1])
