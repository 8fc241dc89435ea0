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
    for probe in probes:
        # The rate is that of one comparison, and the probe is compared with every entry: of
        # strangers, one in twenty passes for one or the other.
        answer = gallery.identify(probe, fmr=0.05 / len(gallery))
        nearest = answer.candidates[0]
        print(f"{probe}: {answer.best or 'not in this gallery'}", end=" ")
        print(f"(nearest {nearest.name}, {nearest.score:.3f})")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
