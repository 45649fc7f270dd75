"""User data as people write it."""

import pytest

from emulator.ecs.user_data import AgentConfiguration, agent_configuration

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


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("ECS_INSTANCE_ATTRIBUTES={stack}", "ECS_INSTANCE_ATTRIBUTES is not JSON: {stack}"),
        ("ECS_CONTAINER_INSTANCE_TAGS=[1]", "ECS_CONTAINER_INSTANCE_TAGS is not a JSON object: [1]"),
        ("ECS_RESERVED_PORTS=22,80", "ECS_RESERVED_PORTS is not JSON: 22,80"),
        ("ECS_RESERVED_PORTS=[22,true]", "ECS_RESERVED_PORTS is not a JSON array of ports: [22,true]"),
        ("ECS_RESERVED_PORTS_UDP=[65536]", "ECS_RESERVED_PORTS_UDP is not a JSON array of ports: [65536]"),
    ],
)
def test_what_cannot_be_used_is_told_and_left_out(line: str, fault: str) -> None:
    assert agent_configuration(f"ECS_CLUSTER=one\n{line}") == AgentConfiguration("one", faults=(fault,))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "echo ECS_RESERVED_PORTS=[22, 8080] >> /etc/ecs/ecs.config",
            AgentConfiguration("one", reserved_ports=(22, 8080)),
        ),
        ('echo "ECS_RESERVED_PORTS=[22]" >> x', AgentConfiguration("one", reserved_ports=(22,))),
        ("ECS_RESERVED_PORTS=[1]\nECS_RESERVED_PORTS=[2]", AgentConfiguration("one", reserved_ports=(2,))),
        ("ECS_RESERVED_PORTS=\nECS_RESERVED_PORTS_UDP=[53]", AgentConfiguration("one", reserved_udp_ports=(53,))),
        ("""echo 'ECS_CONTAINER_INSTANCE_TAGS={"a": "b"}' >> x""", AgentConfiguration("one", tags={"a": "b"})),
        ("ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=ec2_instance", AgentConfiguration("one", propagates_tags=True)),
        ("ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM=none", AgentConfiguration("one")),
        ("# ECS_RESERVED_PORTS=[22]", AgentConfiguration("one")),
    ],
)
def test_ports_and_tags(line: str, expected: AgentConfiguration) -> None:
    assert agent_configuration(f"ECS_CLUSTER=one\n{line}") == expected


def test_memory_that_the_agent_keeps() -> None:
    found = agent_configuration("ECS_CLUSTER=one\necho ECS_RESERVED_MEMORY=256 >> /etc/ecs/ecs.config")
    assert found is not None
    assert found.reserved_memory == 256
