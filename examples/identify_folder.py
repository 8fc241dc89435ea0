"""Which known generator made each image?

    python examples/identify_folder.py examples/images known.fpg examples/probe.png

The first folder holds one folder of PNG files per generator, named like it. The gallery is written
to the file given next, and read from it when it is there already.
"""

import sys
from pathlib import Path

import fingerprint_sdk as fp


def main(generators: Path, file: Path, probes: list[str]) -> None:
    if file.exists():
        gallery = fp.Gallery.load(file)
    else:
        gallery = fp.Gallery()
        for folder in sorted(path for path in generators.iterdir() if path.is_dir()):
            gallery.enroll(folder.name, sorted(folder.glob("*.png")))
        gallery.save(file)
    # Of probes by generators outside the gallery at most one in twenty is named.
    for probe, answer in zip(probes, gallery.identify_many(probes, fpir=0.05), strict=True):
        if isinstance(answer, fp.ImageError):
            print(f"{probe}: left out, {answer}")
            continue
        said = {"named": answer.best, "none": "none of these", "inconclusive": "inconclusive"}
        print(f"{probe}: {said[answer.verdict]} (nearest {answer.nearest}, {answer.score:.3f})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
