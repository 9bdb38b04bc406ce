"""Where a lake's files are: a folder that machines may share, or a bucket that speaks S3."""

from __future__ import annotations

import re
from pathlib import Path

from seawall.lake.storage.interface import Storage
from seawall.settings import LakeSettings

__all__ = ["BUCKET_SCHEME", "Storage", "storage_of"]

BUCKET_SCHEME = "s3://"


def storage_of(folder: Path, settings: LakeSettings) -> Storage:
    """The storage that ``settings.folder`` names. ``folder`` is the lake, or on S3 what this node keeps of it.

    Raises Fault E-LAKE-030 for an address that cannot be used, E-LAKE-031 without the ``s3`` extra, Unavailable
    E-LAKE-004 when the folder cannot be made.
    """
    if re.match(r"[A-Za-z0-9]+:/", settings.folder) is None:
        from seawall.lake.storage.local import LocalStorage

        return LocalStorage(folder)
    from seawall.lake.storage.s3 import S3Storage

    return S3Storage.open(settings.folder, settings.s3_endpoint, folder, settings.cache_mb * 1_000_000)
