"""What does a verdict rest on? One page of HTML that needs no network.

python examples/explain_page.py examples/probe.png examples/images/wren/1.png why.html
"""

import sys

import fingerprint_sdk as fp


def main(image: str, other: str, page: str) -> None:
    explanation = fp.explain(image, other)
    for sentence in explanation.summary:
        print(sentence)
    for written in explanation.save(page):
        print("wrote", written)


if __name__ == "__main__":
    main(*sys.argv[1:])
