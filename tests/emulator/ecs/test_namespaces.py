"""Service Connect as far as it goes: namespaces are checked, kept, shown and listed."""

from typing import Any

import pytest

from emulator.ecs.errors import InvalidParameterException, NamespaceNotFoundException
from emulator.ecs.namespaces import list_services_by_namespace
from emulator.ecs.service_explanations import explain_service
from emulator.state.ecs import ServiceRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.services_playing import ServicesPlaying, play

ARN = "arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-1"
NAMED = {"portMappings": [{"containerPort": 80, "name": "http"}]}


def connect(port: str = "http", namespace: str | None = "shop") -> dict[str, Any]:
    """`serviceConnectConfiguration`."""
    given = {} if namespace is None else {"namespace": namespace}
    return {"enabled": True, "services": [{"portName": port}], **given}


def test_a_service_is_listed_by_its_namespace() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.neighbours.spaces[ARN] = "shop"
        stage.stage.define(NAMED)
        service = await stage.create(1, serviceConnectConfiguration=connect())
        assert service["deployments"][0]["serviceConnectConfiguration"]["namespace"] == ARN
        assert "serviceConnectConfiguration" not in service
        for name in ("shop", ARN):
            found = stage.stage.do(list_services_by_namespace, namespace=name)
            assert found == {"serviceArns": [service["serviceArn"]]}
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            lines = explain_service(context, context.session.get_one(ServiceRow, service["serviceArn"]))
        assert any("no proxy runs" in line for line in lines)
        changed = await stage.update(serviceConnectConfiguration={"enabled": False})
        assert changed["deployments"][0]["serviceConnectConfiguration"] == {"enabled": False}
        assert len(changed["deployments"]) == 2, "another configuration is another deployment"
        assert stage.stage.do(list_services_by_namespace, namespace="shop") == {"serviceArns": []}

    play(story)


def test_what_is_not_there_is_refused() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.neighbours.spaces[ARN] = "shop"
        stage.stage.define(NAMED)
        with pytest.raises(NamespaceNotFoundException):
            await stage.create(1, serviceConnectConfiguration=connect(namespace="other"))
        with pytest.raises(InvalidParameterException, match="needs a namespace"):
            await stage.create(1, serviceConnectConfiguration=connect(namespace=None))
        with pytest.raises(InvalidParameterException, match="port name ssh"):
            await stage.create(1, serviceConnectConfiguration=connect("ssh"))
        with pytest.raises(NamespaceNotFoundException):
            stage.stage.do(list_services_by_namespace, namespace="other")

    play(story)
