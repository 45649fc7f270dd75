"""Objects of S3, in process: what Elastic Beanstalk keeps there and is given there."""

from dataclasses import dataclass
from typing import Any, Protocol

from emulator.neighbours.world import MotoWorld


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is known of an object without reading it."""

    size: int
    """Bytes."""
    etag: str


class Objects(Protocol):
    """Sync and in process. Reads are cheap; `get` of a large object is for a thread."""

    def bucket_region(self, account: str, bucket: str) -> str | None:
        """Where the bucket is, as the account sees it; None where there is no such bucket, or it is another's."""

    def ensure_bucket(self, account: str, region: str, bucket: str) -> bool:
        """Make sure that the bucket exists; false where another account has it."""

    def head(self, account: str, bucket: str, key: str) -> ObjectFacts | None:
        """Facts of an object; None where there is none."""

    def get(self, account: str, bucket: str, key: str) -> bytes | None:
        """An object's bytes; None where there is none."""

    def put(self, account: str, bucket: str, key: str, body: bytes) -> None:
        """Write an object into a bucket that exists."""

    def delete(self, account: str, bucket: str, key: str) -> bool:
        """Remove an object; false where the bucket is gone or another's."""


class MotoObjects:
    """`Objects` over moto's S3."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def bucket_region(self, account: str, bucket: str) -> str | None:
        """See `Objects`."""
        with self._world.lock:
            found = self._bucket(account, bucket)
            return str(found.region_name) if found is not None else None

    def ensure_bucket(self, account: str, region: str, bucket: str) -> bool:
        """See `Objects`."""
        with self._world.lock:
            backend = self._backend(account)
            from moto.s3.models import s3_backends  # noqa: PLC0415 - see `MotoWorld`

            if bucket in backend.buckets:
                return True
            if bucket in s3_backends.bucket_accounts:
                return False
            backend.create_bucket(bucket, region)
        self._world.save_soon("s3")
        return True

    def head(self, account: str, bucket: str, key: str) -> ObjectFacts | None:
        """See `Objects`."""
        with self._world.lock:
            found = self._object(account, bucket, key)
            return ObjectFacts(int(found.size), str(found.etag).strip('"')) if found is not None else None

    def get(self, account: str, bucket: str, key: str) -> bytes | None:
        """See `Objects`."""
        with self._world.lock:
            found = self._object(account, bucket, key)
            return bytes(found.value) if found is not None else None

    def put(self, account: str, bucket: str, key: str, body: bytes) -> None:
        """See `Objects`."""
        with self._world.lock:
            self._backend(account).put_object(bucket, key, body)
        self._world.save_soon("s3")

    def delete(self, account: str, bucket: str, key: str) -> bool:
        """See `Objects`."""
        with self._world.lock:
            if self._bucket(account, bucket) is None:
                return False
            self._backend(account).delete_object(bucket, key)
        self._world.save_soon("s3")
        return True

    def _backend(self, account: str) -> Any:
        return self._world.backend("s3", account, "aws")

    def _bucket(self, account: str, bucket: str) -> Any:
        return self._backend(account).buckets.get(bucket)

    def _object(self, account: str, bucket: str, key: str) -> Any:
        return self._backend(account).get_object(bucket, key) if self._bucket(account, bucket) is not None else None
