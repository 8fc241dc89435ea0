"""Did the same generator make two images?

    python examples/verify_pair.py examples/images/wren/1.png examples/images/wren/2.png

Exit code 0 for the same source, 1 for different ones, 3 when it is uncertain.
"""

import sys

import fingerprint_sdk as fp


def main(a: str, b: str) -> int:
    result = fp.verify(a, b)
    print(f"score {result.score:.3f}, threshold {result.threshold:.3f} at FMR {result.fmr:g}")
    for path, quality in zip((a, b), result.quality, strict=True):
        if quality.flags:
            print(f"{path}: {', '.join(quality.flags)}")
    if result.uncertain:
        print("uncertain: compare more images")
        return 3
    print("same source" if result.same else "different sources")
    return 0 if result.same else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
