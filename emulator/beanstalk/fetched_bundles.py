"""Bundles in S3, unpacked for a look at their files and then removed. What blocks is for a thread."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from emulator.beanstalk.bundles.errors import BundleError
from emulator.beanstalk.bundles.files import FolderFiles
from emulator.beanstalk.bundles.unpacking import unpack
from emulator.beanstalk.storage import objects_of
from emulator.emulator import Emulator


class BundleGoneError(BundleError):
    """The object was deleted from S3; the text is (unconfirmed)."""

    def __init__(self, bucket: str, name: str) -> None:
        super().__init__(f"Unable to download from S3 location (Bucket: {bucket}  Key: {name}). Reason: Not Found")


@contextmanager
def unpacked(emulator: Emulator, key: str, place: tuple[str, str, str]) -> Iterator[FolderFiles]:
    """The files of a bundle.

    Args:
        emulator: the server.
        key: of the loop that looks; no two look under the same key at once.
        place: account, bucket, name.

    Raises:
        BundleError: it is gone, or cannot be unpacked.

    """
    body = objects_of(emulator).get(*place)
    if body is None:
        raise BundleGoneError(*place[1:])
    name = blake2b(key.encode(), digest_size=12).hexdigest()
    folder = emulator.settings.state_dir / "beanstalk" / "processing" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        (folder / "bundle").write_bytes(body)
        unpack(folder / "bundle", place[2], folder / "unpacked")
        yield FolderFiles(folder / "unpacked")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
