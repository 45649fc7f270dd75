"""How people write an image."""

import pytest

from api.routes.registry_names import split_image

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "name", "image_id"),
    [
        ("team/app", "team/app", {"imageTag": "latest"}),
        ("app:v1", "app", {"imageTag": "v1"}),
        (f"team/app@{DIGEST}", "team/app", {"imageDigest": DIGEST}),
        (f"app:v1@{DIGEST}", "app", {"imageDigest": DIGEST}),
        ("localhost:4566/team/app:v1", "team/app", {"imageTag": "v1"}),
        ("localhost:4566/app", "app", {"imageTag": "latest"}),
        (f"localhost:4566/app@{DIGEST}", "app", {"imageDigest": DIGEST}),
    ],
)
def test_an_image(image: str, name: str, image_id: dict[str, str]) -> None:
    assert split_image(image) == (name, image_id)
