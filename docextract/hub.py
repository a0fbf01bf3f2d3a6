"""Published checkpoints: fetched from the hub when a user names one, and kept in the hub's cache.

This is the only code of the app that opens a connection. Settings of huggingface_hub hold: HF_HOME,
HF_HUB_OFFLINE, HF_ENDPOINT and the others.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docextract.errors import ModelError

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo

FILES = ("*.json", "*.jinja", "*.safetensors", "README.md")
"""What a checkpoint consists of; a repository may hold more."""


def fetch(hub_id: str, newest: bool = False) -> Path:
    """The folder of a checkpoint, fetched unless it is kept; with `newest` the hub is asked anyway.

    Raises:
        ModelError: the hub does not give it, or it finds no place here.
    """
    return (None if newest else kept(hub_id)) or _download(hub_id)


def kept(hub_id: str) -> Path | None:
    """The folder of a checkpoint that was fetched before and is whole; no connection is opened."""
    library = _library()
    try:
        return Path(
            library.snapshot_download(hub_id, allow_patterns=list(FILES), local_files_only=True)
        )
    except library.errors.LocalEntryNotFoundError:
        return None


def remove(hub_id: str) -> None:
    """Delete all that is kept of a checkpoint.

    Raises:
        ModelError: nothing is kept of it.
    """
    if kept_bytes(hub_id) is None:
        raise ModelError(f"{hub_id} is not kept here", hint=f"it would be in {cache()}")
    cached = _library().scan_cache_dir(cache())
    revisions = [
        revision.commit_hash
        for repository in cached.repos
        if _is(repository, hub_id)
        for revision in repository.revisions
    ]
    cached.delete_revisions(*revisions).execute()


def kept_bytes(hub_id: str) -> int | None:
    """What all that is kept of a checkpoint takes on the disk, or None."""
    library = _library()
    try:
        repositories = library.scan_cache_dir(cache()).repos
    except library.errors.CacheNotFound:
        return None
    return next((one.size_on_disk for one in repositories if _is(one, hub_id)), None)


def cache() -> Path:
    """The folder that the hub's files are kept in."""
    return Path(_library().constants.HF_HUB_CACHE)


def altered(folder: Path) -> Iterator[str]:
    """The names of fetched files that are not what the hub gave.

    It keeps a file under its hash: SHA-256, or Git's own for small ones. Where files are copies,
    as on some Windows systems, nothing is known.
    """
    for path in sorted(folder.iterdir()):
        content = path.resolve()
        if content.parent.name == "blobs" and _hash(content, content.name) != content.name:
            yield path.name


def _hash(path: Path, like: str) -> str:
    with path.open("rb") as file:
        if len(like) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        digest.update(file.read())
        return digest.hexdigest()


def _is(repository: "CachedRepoInfo", hub_id: str) -> bool:
    return (repository.repo_type, repository.repo_id) == ("model", hub_id)


def _library() -> Any:
    """huggingface_hub, which is slow to import. It shall tell the hub nothing of this machine, and
    draw no bars where nobody watches."""
    import huggingface_hub.constants
    import huggingface_hub.errors
    from huggingface_hub.utils.tqdm import disable_progress_bars

    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    if not sys.stderr.isatty():
        disable_progress_bars()
    return huggingface_hub


def _download(hub_id: str) -> Path:
    library = _library()
    errors = library.errors
    try:
        # snapshot_download would pass over a hub that does not answer, and take what is kept.
        library.HfApi().repo_info(hub_id)
        return Path(library.snapshot_download(hub_id, allow_patterns=list(FILES)))
    except errors.GatedRepoError as error:
        raise ModelError(
            f"the hub gives {hub_id} only to those who accept its terms",
            hint="accept them on its page, then: hf auth login",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no {hub_id}, or not for everyone",
            hint="check the name; for one of your own: hf auth login",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise ModelError(
            f"{hub_id} cannot be fetched: HF_HUB_OFFLINE is set",
            hint="unset it, or name a folder that is here",
        ) from error
    except Exception as error:  # those of its HTTP client and of the disk, too
        reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
        raise ModelError(
            f"{hub_id} cannot be fetched: {reason}",
            hint=f"check the connection and the disk of {cache()}, or name a folder that is here",
        ) from error
