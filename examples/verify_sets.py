"""Are the images of two folders by one generator? All images of a folder must be by one.

    python examples/verify_sets.py examples/images/lark examples/images/robin 0.001

The last argument is the false match rate: how often two different generators would pass.
"""

import sys
from pathlib import Path

import fingerprint_sdk as fp


def main(folder_a: str, folder_b: str, fmr: float) -> None:
    a, b = (sorted(Path(folder).glob("*.png")) for folder in (folder_a, folder_b))
    result = fp.verify(a, b, fmr=fmr)
    print(result.verdict)
    print(result.words)
    print(
        f"{result.images[0]} against {result.images[1]} images, at a false match rate of {fmr:g}"
    )
    print(f"probability {result.probability:.4f} of one generator, if it was even beforehand")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
