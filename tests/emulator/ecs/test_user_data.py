"""User data as people write it."""

import pytest

from emulator.ecs.user_data import agent_configuration

MIME = """Content-Type: multipart/mixed; boundary="==B=="
MIME-Version: 1.0

--==B==
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
echo ECS_CLUSTER=mime >> /etc/ecs/ecs.config
--==B==--
"""
ENCODED = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="B"

--B
Content-Type: text/x-shellscript
Content-Transfer-Encoding: base64

ZWNobyBFQ1NfQ0xVU1RFUj14ID4+IC9ldGMvZWNzL2Vjcy5jb25maWc=
--B--
"""


@pytest.mark.parametrize(
    ("text", "cluster"),
    [
        ("#!/bin/bash\necho ECS_CLUSTER=one >> /etc/ecs/ecs.config", "one"),
        ('echo "ECS_CLUSTER=one" >> /etc/ecs/ecs.config', "one"),
        ("echo 'ECS_CLUSTER=one'>>/etc/ecs/ecs.config", "one"),
        ('echo ECS_CLUSTER="one" >> /etc/ecs/ecs.config', "one"),
        ('echo "ECS_CLUSTER=\\"one\\"" >> /etc/ecs/ecs.config', "one"),
        ("cat <<'EOF' >> /etc/ecs/ecs.config\nECS_CLUSTER=one\nECS_LOGLEVEL=debug\nEOF", "one"),
        ("ECS_CLUSTER=one\nECS_CLUSTER=two", "two"),
        ("#cloud-config\nruncmd:\n  - echo ECS_CLUSTER=one > /etc/ecs/ecs.config", "one"),
        ("#!/bin/sh\n# echo ECS_CLUSTER=one", None),
        ("MY_ECS_CLUSTER=one", None),
        ("echo $ECS_CLUSTER", None),
        ("", None),
        (MIME, "mime"),
        (ENCODED, "x"),
    ],
)
def test_cluster(text: str, cluster: str | None) -> None:
    found = agent_configuration(text)
    assert (found.cluster if found else None) == cluster


@pytest.mark.parametrize(
    "line",
    [
        """echo 'ECS_INSTANCE_ATTRIBUTES={"stack": "prod"}' >> /etc/ecs/ecs.config""",
        """echo "ECS_INSTANCE_ATTRIBUTES={\\"stack\\": \\"prod\\"}" >> /etc/ecs/ecs.config""",
        """ECS_INSTANCE_ATTRIBUTES={"stack":"prod"}""",
    ],
)
def test_attributes(line: str) -> None:
    found = agent_configuration(f"ECS_CLUSTER=one\n{line}")
    assert found is not None
    assert found.attributes == {"stack": "prod"}


def test_attributes_that_are_no_json_are_told() -> None:
    found = agent_configuration("ECS_CLUSTER=one\nECS_INSTANCE_ATTRIBUTES={stack}")
    assert found is not None
    assert (found.attributes, found.fault) == ({}, "ECS_INSTANCE_ATTRIBUTES is not JSON: {stack}")


def test_memory_that_the_agent_keeps() -> None:
    found = agent_configuration("ECS_CLUSTER=one\necho ECS_RESERVED_MEMORY=256 >> /etc/ecs/ecs.config")
    assert found is not None
    assert found.reserved_memory == 256
