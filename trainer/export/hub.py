"""Send a model to the Hugging Face Hub: card, config, ONNX file, and the weights it came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from fingerprint_sdk import zoo
from fingerprint_sdk.zoo.checks import check_model

_WEIGHTS = ("network.safetensors", "denoiser.safetensors")


@dataclass(frozen=True)
class Upload:
    """One file to be sent, by its name in the repository."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """In hex."""
        return hashlib.sha256(self.content).hexdigest()


def collect(model: Path, run: Path, scores: Path, repo_id: str) -> tuple[Upload, ...]:
    """The files of a published model, read and checked against each other.

    `README.md` (written from `scores`), `config.json` and `model.onnx` are what the SDK loads.
    `network.safetensors`, `denoiser.safetensors` and `run.json` are what `load_run` reads.

    Args:
        model: folder of the model, `zoo/NAME`.
        run: folder of the run it was exported from.
        scores: JSON of `trainer evaluate --out`, of this very model file.
        repo_id: `owner/name`, which the card's example loads.

    Raises:
        ValueError: the files are not of one model, or the model does not do what it promises.
        FileNotFoundError: the run has not finished.
        ModelError: the folder holds no model, or a file is not the one its config promises.
    """
    from huggingface_hub.utils import validate_repo_id

    from trainer.export.card import card_text
    from trainer.export.onnx import PARITY, FingerprintModel, parity
    from trainer.export.run import without_paths
    from trainer.extractor import load_run

    if "/" not in repo_id:
        raise ValueError(f"{repo_id!r} is not a name on the Hub: give owner/name")
    validate_repo_id(repo_id)
    resolved = zoo.resolve(model.absolute())
    if failed := [check for check in check_model(resolved) if not check.passed]:
        raise ValueError(f"{model}: {failed[0].name}: {failed[0].detail}; export it again")
    finished = load_run(run)
    description = resolved.description
    if description is None or finished.info["recipe_hash"] != description.recipe_hash:
        raise ValueError(f"{run} is not the run {model} was exported from: recipe hashes differ")
    onnx_file = resolved.path.read_bytes()
    worst = parity(FingerprintModel(finished.signal, finished.network).eval(), onnx_file)
    if not worst <= PARITY:
        raise ValueError(f"{run} and {model} differ by {worst:.1e}: export the run again")
    card = card_text(model, scores, finished.info, load_as=repo_id)
    info = json.dumps(without_paths(finished.info), indent=2) + "\n"
    return (
        Upload("README.md", card.encode()),
        Upload("config.json", (model / "config.json").read_bytes()),
        Upload("model.onnx", onnx_file),
        *(
            Upload(name, (model / name).read_bytes())
            for name in description.files
            if name != resolved.path.name
        ),
        *(Upload(name, (run / name).read_bytes()) for name in _WEIGHTS),
        Upload("run.json", info.encode()),
    )


def publish(
    uploads: tuple[Upload, ...],
    repo_id: str,
    *,
    private: bool = False,
    branch: str | None = None,
    message: str = "Publish a model",
) -> str:
    """Send the files in one commit and return its hash, by which `fingerprint_sdk.load` pins it.

    The repository, and the branch if one is named, are made if there are none. The token comes
    from `HF_TOKEN` or `hf auth login`, the Hub's address from `HF_ENDPOINT`.

    Raises ValueError when there is no token, the Hub refuses, or a public repository would get
    what was to be private.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if get_token() is None:
        raise ValueError("there is no token of the Hub: set HF_TOKEN, or run `hf auth login`")
    api = HfApi()
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        if private and not api.repo_info(repo_id).private:
            raise ValueError(f"{repo_id} exists and is public: nothing was sent; see its settings")
        if branch is not None:
            api.create_branch(repo_id, branch=branch, exist_ok=True)
        operations = [CommitOperationAdd(file.name, file.content) for file in uploads]
        commit = api.create_commit(repo_id, operations, commit_message=message, revision=branch)
    except ValueError:
        raise
    except (
        Exception
    ) as error:  # of the HTTP client too, which depends on huggingface_hub's version
        raise ValueError(
            f"the Hub did not take {repo_id}: {type(error).__name__}: {error}; check the token's "
            "right to write, the name and the connection, then run again"
        ) from error
    return commit.oid
