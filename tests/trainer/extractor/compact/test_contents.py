"""What contents predict of an embedding, and a linear head without it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.extractor.compact.contents import Contents, ContentsRecipe
from trainer.extractor.compact.discriminant import Discriminant

pytestmark = pytest.mark.usefixtures("one_thread")


def photographs(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Signals of 20 numbers, of which a few vary most, and embeddings that these bend."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(count, 20, generator=generator)
    signals = places * torch.logspace(1, -2, 20) + 4
    noise = 0.1 * torch.randn(count, 3, generator=generator)
    bent = torch.stack([places[:, 0] ** 2, places[:, 1] * places[:, 2], 0 * places[:, 0]], 1)
    return signals, bent + noise + torch.tensor([2.0, -1.0, 5.0])


def test_nothing_is_predicted_before_it_is_fitted() -> None:
    assert not Contents(20, 3, ContentsRecipe())(photographs(10, 0)[0]).any()


@pytest.mark.parametrize("mean", [0.0, 0.5, 1.0])
def test_bends_of_other_photographs_are_predicted_and_a_share_of_the_mean(mean: float) -> None:
    contents = Contents(20, 3, ContentsRecipe(photograph_mean_share=mean))
    contents.fit(*photographs(6000, 0))
    signals, embeddings = photographs(2000, 1)
    left = embeddings - contents(signals)
    torch.testing.assert_close(left.mean(0), (1 - mean) * embeddings.mean(0), atol=0.1, rtol=0)
    bent, flat = (left.var(0) / embeddings.var(0)).split([2, 1])
    assert bent.max() < 0.2  # a line predicts nothing of a square or a product
    assert 0.9 < flat < 1.2  # noise is no contents


def test_a_prediction_is_bounded_however_odd_the_signal() -> None:
    contents = Contents(20, 3, ContentsRecipe())
    signals, embeddings = photographs(3000, 0)
    contents.fit(signals, embeddings)
    odd = contents(1e4 * torch.randn(50, 20, generator=torch.manual_seed(2)))
    assert (odd - contents.bias).abs().max() <= contents.weight.abs().sum(0).max()


def test_few_photographs_of_few_numbers_will_do() -> None:
    contents = Contents(2, 4, ContentsRecipe(photograph_mean_share=1.0))
    signals = torch.tensor([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]])  # the first never varies
    contents.fit(signals, torch.randn(3, 4, generator=torch.manual_seed(3)))
    assert contents(signals).isfinite().all()
    assert contents.frequencies.shape == (2, 1024)


def test_a_linear_head_subtracts_what_contents_predict() -> None:
    generator = torch.Generator().manual_seed(4)
    models = torch.randn(60, 1, 6, generator=generator)
    images = models + 0.5 * torch.randn(60, 20, 6, generator=generator)

    def crops(count: int) -> Tensor:
        places = 3 * torch.randn(count, 6, generator=generator)
        places[:, 5] = places[:, 0] ** 2 / 4  # contents bend a direction that tells models apart
        return places

    known, other = crops(3000), {"a": crops(1000)}

    def fitted(contents: ContentsRecipe | None) -> Discriminant:
        head = Discriminant({"a": (6,)}, 4, contents)
        head.fit(({"a": model} for model in images), 0.0, [{"a": known}], 0.1)
        return head

    plain, without = fitted(None), fitted(ContentsRecipe())
    torch.testing.assert_close(without.linear.weight, plain.linear.weight)
    assert plain.contents is None
    with torch.no_grad():
        assert without(other).var(0).sum() < 0.5 * plain(other).var(0).sum()
        assert without(other).mean(0).norm() < 0.7 * plain(other).mean(0).norm()
