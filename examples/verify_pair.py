"""Did the same generator make two images?

    python examples/verify_pair.py examples/images/wren/1.png examples/images/wren/2.png

Exit code 0 for the same generator, 1 for different ones, 3 when it is inconclusive.
"""

import sys

import fingerprint_sdk as fp

EXIT_CODES = {"same": 0, "different": 1, "inconclusive": 3}


def main(a: str, b: str) -> int:
    result = fp.verify(a, b)
    print(result.verdict)
    print(result.words)
    print(f"score {result.score:.3f}: different below {result.missed:.3f}, same from", end=" ")
    print(f"{result.threshold:.3f}; judged as images that are {result.condition}")
    for path, quality in zip((a, b), result.quality, strict=True):
        if quality.flags:
            print(f"{path}: {', '.join(quality.flags)}")
    if result.images_needed:
        print(f"{result.images_needed} images a side would settle most such cases")
    return EXIT_CODES[result.verdict]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
