"""ECS: which member of a request names what (reference: iam_elb_autoscaling.md §6.1, §3.3)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from emulator.context import Context
from emulator.ecs.tags import list_tags_for_resource
from emulator.ecs.task_definitions import find_task_definition
from emulator.errors import AwsError
from emulator.iam.checks import ANY, Check, pass_role, request_tags, resource_tags

_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"


class _Named(NamedTuple):
    """The resource of an operation: its kind, and the member that names it (or several)."""

    kind: str
    member: str


_RESOURCES: Mapping[str, tuple[_Named, ...]] = {
    **dict.fromkeys(
        (
            *("DeleteCluster", "UpdateCluster", "UpdateClusterSettings", "PutClusterCapacityProviders"),
            *("RegisterContainerInstance", "DeregisterContainerInstance", "ListContainerInstances", "ListAttributes"),
            *("SubmitTaskStateChange", "SubmitContainerStateChange", "SubmitAttachmentStateChanges"),
        ),
        (_Named("cluster", "cluster"),),
    ),
    "DescribeClusters": (_Named("cluster", "clusters"),),
    "CreateService": (_Named("service", "serviceName"),),
    "DescribeServices": (_Named("service", "services"),),
    **dict.fromkeys(
        ("UpdateService", "DeleteService", "UpdateServicePrimaryTaskSet", "ListServiceDeployments"),
        (_Named("service", "service"),),
    ),
    **dict.fromkeys(("RunTask", "StartTask"), (_Named("task-definition", "taskDefinition"),)),
    "DeleteTaskDefinitions": (_Named("task-definition", "taskDefinitions"),),
    "StopTask": (_Named("task", "task"),),
    **dict.fromkeys(("DescribeTasks", "GetTaskProtection", "UpdateTaskProtection"), (_Named("task", "tasks"),)),
    "ExecuteCommand": (_Named("cluster", "cluster"), _Named("task", "task")),
    "ListTasks": (_Named("container-instance", "containerInstance"),),
    "UpdateContainerAgent": (_Named("container-instance", "containerInstance"),),
    **dict.fromkeys(
        ("DescribeContainerInstances", "UpdateContainerInstancesState"),
        (_Named("container-instance", "containerInstances"),),
    ),
    **dict.fromkeys(("PutAttributes", "DeleteAttributes"), (_Named("container-instance", "attributes"),)),
    "DescribeCapacityProviders": (_Named("capacity-provider", "capacityProviders"),),
    "UpdateCapacityProvider": (_Named("capacity-provider", "name"),),
    "DeleteCapacityProvider": (_Named("capacity-provider", "capacityProvider"),),
    **dict.fromkeys(("UpdateTaskSet", "DeleteTaskSet"), (_Named("task-set", "taskSet"),)),
    "DescribeTaskSets": (_Named("task-set", "taskSets"),),
    "DescribeServiceDeployments": (_Named("service-deployment", "serviceDeploymentArns"),),
    "DescribeServiceRevisions": (_Named("service-revision", "serviceRevisionArns"),),
}
_ARNS = ("resourceArn", "serviceDeploymentArn", "serviceArn", "daemonArn", "gatewayArn", "daemonTaskDefinition")
"""Members that name the resource of operations that the table leaves out."""
_VALUES = {
    "enableExecuteCommand": "ecs:enable-execute-command",
    "container": "ecs:container-name",
    "name": "ecs:account-setting",
}


def checks(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """What the request needs."""
    keys = {**request_tags(request), **_keys(context, operation, request)}
    for arn in _resources(context, operation, request):
        yield Check(f"ecs:{operation}", arn, {**_tags(context, arn), **keys})
    yield from _passed(context, operation, request)


def _resources(context: Context, operation: str, request: Mapping[str, Any]) -> list[str]:
    named = _RESOURCES.get(operation, ())
    found = [_arn(context, kind, text, request) for kind, member in named for text in _names(kind, member, request)]
    if operation == "CreateTaskSet":
        service = _arn(context, "service", str(request.get("service", "")), request)
        found = [f"{service.replace(':service/', ':task-set/')}/*"]
    return list(dict.fromkeys(found)) or [next((str(request[one]) for one in _ARNS if request.get(one)), ANY)]


def _names(kind: str, member: str, request: Mapping[str, Any]) -> list[str]:
    value = request.get(member)
    if member == "attributes":
        return [str(item["targetId"]) for item in value or () if item.get("targetId")]
    if not value:
        return ["default"] if kind == "cluster" else []
    return [str(value)] if isinstance(value, str) else [str(item) for item in value]


def _arn(context: Context, kind: str, text: str, request: Mapping[str, Any]) -> str:
    if kind == "task-definition":
        row = find_task_definition(context, text)
        if row is not None:
            return row.arn
        text = text if ":" in text else f"{text}:*"
    if text.startswith("arn:"):
        return text
    if kind in {"cluster", "capacity-provider", "task-definition"}:
        return context.arn("ecs", f"{kind}/{text}")
    cluster = _last(str(request.get("cluster", "default")))
    if kind == "task-set":
        return context.arn("ecs", f"{kind}/{cluster}/{_last(str(request.get('service', ANY)))}/{_last(text)}")
    return context.arn("ecs", f"{kind}/{cluster}/{_last(text)}")


def _last(text: str) -> str:
    return text.rpartition("/")[2]


def _keys(context: Context, operation: str, request: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = {key: [_text(request[member])] for member, key in _VALUES.items() if member in request}
    if "AccountSetting" not in operation:
        keys.pop("ecs:account-setting", None)
    if "cluster" in request or any(named.kind in {"service", "task"} for named in _RESOURCES.get(operation, ())):
        keys["ecs:cluster"] = [_arn(context, "cluster", str(request.get("cluster", "default")), request)]
    elif operation in {"RunTask", "StartTask", "ListTasks", "ListServices"}:
        keys["ecs:cluster"] = [_arn(context, "cluster", "default", request)]
    if "TaskSet" in operation and request.get("service"):
        keys["ecs:service"] = [_arn(context, "service", str(request["service"]), request)]
    if request.get("taskDefinition") and operation not in {"RunTask", "StartTask"}:
        keys["ecs:task-definition"] = [_arn(context, "task-definition", str(request["taskDefinition"]), request)]
    if instances := request.get("containerInstances") or request.get("containerInstance"):
        listed = [instances] if isinstance(instances, str) else instances
        keys["ecs:container-instances"] = [_arn(context, "container-instance", str(one), request) for one in listed]
    if providers := request.get("capacityProviderStrategy"):
        keys["ecs:capacity-provider"] = [
            _arn(context, "capacity-provider", str(item["capacityProvider"]), request) for item in providers
        ]
    return keys


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tags(context: Context, arn: str) -> dict[str, list[str]]:
    """The tags of a resource that exists."""
    try:
        return resource_tags("ecs", list_tags_for_resource(context, {"resourceArn": arn})["tags"])
    except AwsError:
        return {}


def _passed(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """Roles that the request hands over.

    RunTask and StartTask hand those of the task definition over, too: who lets others run tasks knows the refusal.
    """
    roles: list[str | None] = []
    if operation in {"RegisterTaskDefinition", "RegisterDaemonTaskDefinition", "CreateExpressGatewayService"}:
        roles = [request.get("taskRoleArn"), request.get("executionRoleArn")]
    if operation in {"RunTask", "StartTask"}:
        given = request.get("overrides", {})
        row = find_task_definition(context, str(request.get("taskDefinition", "")))
        kept: Mapping[str, Any] = row.body if row is not None else {}
        roles = [given.get(name) or kept.get(name) for name in ("taskRoleArn", "executionRoleArn")]
    yield from pass_role(context.account, _TASKS, roles)
    volumes: Iterable[Mapping[str, Any]] = request.get("volumeConfigurations") or ()
    disks = [volume.get("managedEBSVolume", {}).get("roleArn") for volume in volumes]
    own = request.get("role") if operation == "CreateService" else None
    yield from pass_role(context.account, _ECS, [own, request.get("infrastructureRoleArn"), *disks])
