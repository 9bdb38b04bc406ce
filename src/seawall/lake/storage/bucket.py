"""A place in a bucket that speaks S3: listed, read, and written on the condition that a name is new.

    PREFIX/manifests/000000000042.json   a Head: one for each commit or push, named by generation, never written over
    PREFIX/observations/..., rollup/..., derived/...   the lake's own files under their own paths

Files are sent before the manifest that names them, and the manifest is created on the condition that no object of that
name exists, which the server decides (``If-None-Match: *``). So a state is whole or not there, and of two writers of
one generation one hears that it was second. Whoever reads takes the manifest with the greatest number.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from seawall.lake.manifest import DERIVED, OBSERVATIONS, ROLLUP, Manifest, usable
from seawall.model import Fault, Unavailable
from seawall.model.unreadable import UNREADABLE

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

MANIFESTS = "manifests/"
DATA = tuple(f"{kind}/" for kind in (OBSERVATIONS, ROLLUP, DERIVED))
_PROBE = "conditional-writes"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9=_-][A-Za-z0-9.=_-]*)*")
CONNECT_SECONDS, READ_SECONDS = 10, 60
PARTS_AT_ONCE = 2  # pieces of one large file on their way
AT_ONCE = 1_000  # objects of one request to remove them, by the API's own bound


class Retired(msgspec.Struct, frozen=True):
    """A file that was replaced, and when (microseconds UTC): readers of earlier states may still be at it."""

    path: str
    at: int


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """One state of a lake in a bucket."""

    owner: str  # the id of the node whose lake it is a copy of; empty: the lake lives here
    manifest: Manifest
    id: str = ""  # of the lake, from its first state on: an emptied place is another lake
    commit: str = ""  # drawn anew for each state, so that a writer knows its own
    after: str = ""  # the ``commit`` before
    retired: tuple[Retired, ...] = ()


class Held(msgspec.Struct, frozen=True):
    """One object of a listing; ``name`` is below the lake's prefix, ``mark`` changes with its content."""

    name: str
    size: int
    modified: int  # microseconds UTC, by the server's clock
    mark: str


class Bucket:
    """The objects below one address. Calls that endpoint and nothing else."""

    def __init__(self, files: AbstractFileSystem, url: str) -> None:
        self.files = files
        self.root = url.removeprefix("s3://").rstrip("/")
        self.url = url
        self._newest: tuple[Held, Head] | None = None

    @classmethod
    def open(cls, url: str, endpoint: str) -> Bucket:
        """The objects below ``s3://bucket/prefix``; the credentials are those of AWS's usual variables and files.

        Raises Fault E-LAKE-030 for an address that cannot be used, E-LAKE-031 without the ``s3`` extra.
        """
        plain = urlsplit(endpoint)
        if not url.startswith("s3://") or not _PLAIN.fullmatch(url.removeprefix("s3://").rstrip("/")):
            raise _unusable(url, "it must read s3://bucket/prefix, of letters, digits and . _ - =")
        if endpoint and plain.scheme not in ("http", "https"):
            raise _unusable(endpoint, "an endpoint reads https://host:port")
        if plain.scheme == "http" and plain.hostname not in _LOOPBACK:
            raise _unusable(endpoint, "telemetry would travel in the clear; use https")
        try:
            import s3fs
        except ImportError:
            raise Fault(
                "E-LAKE-031", "A lake on S3 needs packages that are not here; run pip install 'seawall[s3]'."
            ) from None
        # without this the library asks a well-known address on the local network for credentials
        os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
        config = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
        files = s3fs.S3FileSystem(
            # all said, or the libraries take another endpoint from the environment and files of theirs
            endpoint_url=endpoint or None,
            use_ssl=True,
            client_kwargs={},
            config_kwargs=config | {"ignore_configured_endpoint_urls": True},
            default_cache_type="none",  # whoever reads parts of a file knows which; reading ahead doubles the bytes
            max_concurrency=PARTS_AT_ONCE,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        return cls(files, url)

    def newest(self) -> Head | None:
        """The state as it is now; None when there is none. Raises Unavailable E-LAKE-032, Fault E-LAKE-002."""
        with self.answers():
            known = self._newest
            found = self.listed(MANIFESTS, since=known[0].name) if known else []
            found = found or self.listed(MANIFESTS)
            if not found:
                return None
            last = found[-1]
            if known is None or (known[0].name, known[0].mark) != (last.name, last.mark):
                head = self._head(last.name)
                known = self._newest = (last, head)
            return known[1]

    def create(self, head: Head) -> bool:
        """Make ``head`` the newest state; False when there is one of this generation. An answer may be lost and ours.

        Call it within ``answers``.
        """
        name = manifest_name(head.manifest.generation)
        try:
            self.files.pipe_file(self.full(name), msgspec.json.encode(head), mode="create")
        except OSError as error:
            try:
                return bool(head.commit) and self._head(name).commit == head.commit
            except FileNotFoundError:
                if was_there(error):  # later states have replaced it, and it was removed
                    return False
            raise
        return True

    def follows(self, head: Head) -> bool:
        """Whether a state just made stands: nothing is newer, or what is newer was made from it.

        Names of states are removed after a while, so a writer that slept for that long could use one a second time.
        """
        later = self.listed(MANIFESTS, since=manifest_name(head.manifest.generation + 1))
        return not later or self._head(later[0].name).after == head.commit

    def probe(self) -> None:
        """A server that lets a second conditional write pass cannot keep two writers apart. Raises E-LAKE-034."""
        name = self.full(_PROBE)
        if not self.files.exists(name):
            try:
                self.files.pipe_file(name, b"", mode="create")
            except OSError:
                if not self.files.exists(name):  # another was first
                    raise
        try:
            self.files.pipe_file(name, b"", mode="create")
        except OSError:
            return
        raise Fault(
            "E-LAKE-034", "The server of {url} ignores conditional writes; a lake cannot be kept there.", url=self.url
        )

    def listed(self, below: str, since: str = "") -> list[Held]:
        """Objects whose names begin with ``below``, in order, from the name ``since`` on."""
        bucket, _, prefix = self.root.partition("/")
        prefix = f"{prefix}/" if prefix else ""
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix + below}
        if since:
            asked["StartAfter"] = prefix + since[:-1]  # a name's beginning sorts before it and after what precedes it
        found: list[Held] = []
        while True:
            page = self.files.call_s3("list_objects_v2", **asked)
            found += [
                Held(one["Key"].removeprefix(prefix), one["Size"], _microseconds(one["LastModified"]), one["ETag"])
                for one in page.get("Contents", [])
            ]
            if not page.get("IsTruncated"):
                return [held for held in found if held.name >= since]
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def remove(self, names: list[str]) -> None:
        """Remove objects; removing what is not there changes nothing."""
        bucket, _, prefix = self.root.partition("/")
        prefix = f"{prefix}/" if prefix else ""
        for at in range(0, len(names), AT_ONCE):
            keys = [{"Key": prefix + name} for name in names[at : at + AT_ONCE]]
            told = self.files.call_s3("delete_objects", Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if refused := told.get("Errors"):
                raise PermissionError(f"{refused[0].get('Key')}: {refused[0].get('Message')}")

    def full(self, name: str) -> str:
        """An object as the file system names it."""
        return f"{self.root}/{name}"

    def _head(self, name: str) -> Head:
        head = msgspec.json.decode(self.files.cat_file(self.full(name)), type=Head)
        usable(head.manifest, f"{self.url}/{name}")
        return head

    @contextmanager
    def answers(self) -> Iterator[None]:
        """What the server or the way to it refuses, in a sentence. Raises Unavailable E-LAKE-032."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (OSError, BotoCoreError, ClientError, TimeoutError, *UNREADABLE) as error:
            reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
            raise Unavailable(
                "E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url=self.url, reason=reason
            ) from error


def manifest_name(generation: int) -> str:
    """The object of a generation's state."""
    return f"{MANIFESTS}{generation:012d}.json"


def _microseconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _unusable(address: str, reason: str) -> Fault:
    return Fault("E-LAKE-030", "Cannot keep a lake at {address}: {reason}.", address=address, reason=reason)


def was_there(error: OSError) -> bool:
    """Whether a conditional creation failed because the name was taken at that moment (HTTP 412 or 409)."""
    from botocore.exceptions import ClientError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClientError):
            return cause.response.get("Error", {}).get("Code") in ("PreconditionFailed", "ConditionalRequestConflict")
        cause = cause.__cause__ or cause.__context__
    return False
