"""Fetch files of a model from the Hugging Face Hub into its cache, and look into the cache.

``huggingface_hub`` reads ``HF_HOME``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE`` and its token when it
is imported, so it is imported on first use and those variables need no handling here.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from fingerprint_sdk.errors import ModelError, ModelNotFoundError

_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_UNFINISHED = re.compile(r"(.+)\.[0-9a-f]{8}\.incomplete")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_repo_id(text: str) -> bool:
    """True when ``text`` has the form ``owner/name``."""
    return _REPO_ID.fullmatch(text) is not None


def is_commit(revision: str | None) -> bool:
    """True when ``revision`` is a full commit hash, the only kind that cannot move."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def fetch(repo_id: str, filename: str, revision: str | None, *, offline: bool) -> Path:
    """Return the cached path of ``filename``, downloading it when needed.

    A commit hash whose file is cached costs no network call; a branch, a tag or ``None`` (the
    default branch) costs one HEAD request to learn the commit.

    Raises:
        ModelNotFoundError: no such repository, revision or file, or the Hub is out of reach.
        ModelError: the download failed midway.
    """
    from huggingface_hub import errors as hub
    from huggingface_hub import hf_hub_download

    wanted = f"{repo_id!r} (file {filename!r}, revision {revision or 'main'!r})"
    try:
        found = Path(
            hf_hub_download(repo_id, filename, revision=revision, local_files_only=offline)
        )
        if not offline:
            _sweep(found.parents[2])
        return found
    except hub.GatedRepoError as error:
        raise ModelNotFoundError(
            f"the Hub refuses access to {wanted}: accept its terms on the model page and run "
            "`hf auth login`"
        ) from error
    except hub.RepositoryNotFoundError as error:
        raise ModelNotFoundError(
            f"no model {wanted} on the Hub: check the spelling, or run `hf auth login` if it is "
            "private"
        ) from error
    except hub.RevisionNotFoundError as error:
        raise ModelNotFoundError(
            f"the Hub has no such revision of {wanted}: see the commits on the model page"
        ) from error
    except hub.LocalEntryNotFoundError as error:
        raise ModelNotFoundError(_unreachable(wanted, revision, offline)) from error
    except hub.EntryNotFoundError as error:
        raise ModelNotFoundError(
            f"the Hub repository lacks the file asked for: {wanted}; it is not a model of this "
            "package, or this revision of it is incomplete"
        ) from error
    except hub.HFValidationError as error:
        raise ModelNotFoundError(f"not a valid Hub model name: {wanted}: {error}") from error
    except Exception as error:
        # What is left comes from the HTTP client, the file system or the Xet client, and which
        # of them is installed depends on the version of huggingface_hub.
        raise ModelError(
            f"cannot download {wanted}: {type(error).__name__}: {error}; check the connection "
            "and the disk space of the cache (HF_HOME), then run again"
        ) from error


def cached_snapshots() -> list[tuple[str, str, Path]]:
    """Repository, commit and folder of every model in the cache; of anybody's models."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return []
    return [
        (repo.repo_id, revision.commit_hash, revision.snapshot_path)
        for repo in cache.repos
        if repo.repo_type == "model"
        for revision in repo.revisions
    ]


def _sweep(repository: Path) -> None:
    """Remove what killed downloads left in a repository's part of the cache.

    Their names are never used again. A download that goes on has the lock of its file.
    """
    from filelock import FileLock

    for path in repository.glob("blobs/*.incomplete"):
        if match := _UNFINISHED.fullmatch(path.name):
            lock = repository.parent / ".locks" / repository.name / f"{match[1]}.lock"
            with contextlib.suppress(OSError), FileLock(lock, timeout=0):
                path.unlink(missing_ok=True)


def _unreachable(wanted: str, revision: str | None, offline: bool) -> str:
    from huggingface_hub import constants

    if not (offline or constants.HF_HUB_OFFLINE):
        return f"{wanted} is not cached and the Hub at {constants.ENDPOINT} cannot be reached"
    pin = "" if is_commit(revision) else ", or name the commit you have cached with the revision"
    return (
        f"{wanted} is not in the cache {constants.HF_HUB_CACHE} and the network is off: run once "
        f"without offline mode (unset HF_HUB_OFFLINE) to download it{pin}"
    )
