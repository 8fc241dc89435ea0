"""Images to an entry of a gallery."""

from __future__ import annotations

import numpy as np
from support.tiny_model import synthetic_image

import fingerprint_sdk as fp


def test_a_picture_given_twice_is_enrolled_once(extractor: fp.Extractor) -> None:
    one, other = synthetic_image(0, 0), synthetic_image(0, 1)
    gallery = fp.Gallery(extractor)
    quality = gallery.enroll("twice", [one, other, one.copy()])
    once = fp.Gallery(extractor)
    once.enroll("once", [one, other])
    assert len(quality) == 3
    assert quality[0] == quality[2]
    np.testing.assert_array_equal(gallery["twice"].embeddings, once["once"].embeddings)
    assert {kind: copy.count for kind, copy in gallery["twice"].copies.items()} == {
        kind: copy.count for kind, copy in once["once"].copies.items()
    }
