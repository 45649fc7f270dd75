"""Builds images from nothing and moves them with the docker command, leaving no trace of either."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Docker:
    """The docker command with settings of its own in `folder`, so that logins do not stay."""

    folder: Path
    label: str = field(default_factory=lambda: f"dev.ashore.test={secrets.token_hex(4)}")
    """What its images are known by: another's clean-up must not take the layers of a build that is under way."""

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command; what it said. Raises where it fails, with its words."""
        environment = {**os.environ, "DOCKER_CONFIG": str(self.folder), "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            ["docker", *arguments], input=stdin, capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def login(self, address: str, password: str) -> None:
        """Log in as ECR's user."""
        self.run("login", "--username", "AWS", "--password-stdin", address, stdin=password)

    @contextmanager
    def image(self, name: str, mebibytes: int) -> Iterator[str]:
        """An image with busybox and a layer of random bytes, which no compression makes smaller."""
        context = self.folder / "build"
        context.mkdir()
        shutil.copy("/bin/busybox", context / "busybox")
        with (context / "random").open("wb") as file:
            for _ in range(mebibytes):
                file.write(secrets.token_bytes(_PIECE))
        (context / "Dockerfile").write_text(
            f"FROM scratch\nLABEL {self.label}\nCOPY busybox /bin/busybox\nCOPY random /random\n"
            'ENTRYPOINT ["/bin/busybox"]\n',
            encoding="ascii",
        )
        try:
            self.run("build", "--quiet", "--tag", name, str(context))
            yield name
        finally:
            shutil.rmtree(context)
            self.remove(name)

    def remove(self, name: str) -> None:
        """Remove an image's name, and the image with its last name; fine where there is none."""
        subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)
        subprocess.run(
            ["docker", "image", "prune", "--force", "--filter", f"label={self.label}"], capture_output=True, check=False
        )
