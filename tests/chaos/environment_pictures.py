"""A picture of all that environments have, in the rows and in the other services, without what chance draws (ids, addresses)."""

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.server import Server
    from emulator.context import Context

ACCOUNT, REGION = "000000000000", "us-east-1"
_DRAWN = re.compile(
    r"\b(?:i|sg|lt|eipalloc|eipassoc|vpc|subnet|ami)-[0-9a-f]{8,17}\b"
    r"|(?<=[/:])[0-9a-f]{16}\b|(?<=-)\d{10}(?=\.[a-z0-9-]+\.elb\.)"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b[0-9a-f]{12}(?= is running)"
    r"|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"
)


def picture(server: "Server") -> dict[str, Any]:
    """What is there now."""
    with server.emulator.transaction(ACCOUNT, REGION) as context:
        found = {"environments": _environments(context), "cluster": _cluster(context)}
    found["neighbours"] = neighbours(server.world)
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _environments(context: "Context") -> dict[str, Any]:
    from sqlalchemy import select  # noqa: PLC0415 - the test process needs none of this

    from emulator.beanstalk.fronts import fronts_of  # noqa: PLC0415 - as above
    from emulator.beanstalk.instances import living  # noqa: PLC0415 - as above
    from emulator.state.balancer import TargetRow  # noqa: PLC0415 - as above
    from emulator.state.beanstalk import DeploymentRow, EnvironmentRow, EventRow  # noqa: PLC0415 - as above

    fronts, _ = fronts_of(context.session, simulated=True)
    served = {*fronts.aliases, *(balancer.dns_name for balancer in fronts.balancers)}
    found = {}
    for row in context.session.scalars(select(EnvironmentRow).order_by(EnvironmentRow.name)):
        told = context.session.scalars(
            select(EventRow)
            .where(EventRow.environment_id == row.id, EventRow.request_id.is_not(None))
            .order_by(EventRow.at)
        )
        instances = living(context, row.id)
        deployments = context.session.scalars(select(DeploymentRow).where(DeploymentRow.environment_id == row.id))
        targets = context.session.scalars(
            select(TargetRow).where(TargetRow.target_id.in_([one.id for one in instances]))
        )
        columns = ("status", "version_label", "cname", "settings", "bundle_settings", "platform_arn", "abortable")
        found[row.name] = {
            **{column: getattr(row, column) for column in columns},
            **{column: getattr(row, column) for column in ("deployment", "next_deployment", "generation", "operation")},
            "draft": row.draft and {**row.draft, "created_at": None},
            "endpoint": without_drawn(row.endpoint_url or ""),
            "resources": _plain(row.resources),
            "deployments": sorted(f"{one.number} {one.version_label} {one.status}" for one in deployments),
            "instances": _counted(
                f"{one.fleet} {one.generation} {one.deployment} {one.command} {one.version_label} {one.leaving}"
                for one in instances
            ),
            "targets": _counted(f"{one.target_group_arn} {one.port} {one.state}" for one in targets),
            "served": (row.cname or "").lower() in served,
            **_events([f"{one.severity} {one.message}" for one in told]),
        }
    return found


def _events(told: list[str]) -> dict[str, list[str]]:
    """In their order; a pull goes on beside whatever else is done, and comes when it comes."""
    pulled = [text for text in told if text.startswith("INFO Successfully pulled ")]
    return {"events": in_order([text for text in told if text not in pulled]), "pulled": pulled}


def _cluster(context: "Context") -> dict[str, Any]:
    from sqlalchemy import select  # noqa: PLC0415 - as above

    from emulator.state.ecs import ContainerInstanceRow, TaskRow  # noqa: PLC0415 - as above

    hosts = context.session.scalars(select(ContainerInstanceRow).where(ContainerInstanceRow.origin == "beanstalk"))
    tasks = context.session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED"))
    return {
        "hosts": sum(host.status == "ACTIVE" for host in hosts),
        "tasks": _counted(f"{task.task_definition_arn} {task.last_status} {task.started_by}" for task in tasks),
    }


def neighbours(world: Any) -> dict[str, Any]:
    """What moto has for environments; read without importing what nobody has used."""
    parts: dict[str, Callable[[Any], Any]] = {
        "autoscaling": _auto_scaling,
        "ec2": _ec2,
        "elbv2": _balancers,
        "cloudwatch": lambda backend: sorted(backend.alarms),
        "sqs": lambda backend: _plain({name: queue.attributes for name, queue in backend.queues.items()}),
    }
    found = {}
    with world.lock:
        for service, of in parts.items():
            if (ACCOUNT, REGION) in world.places(service):
                found[service] = of(world.backend(service, ACCOUNT, REGION))
    return found


def _auto_scaling(backend: Any) -> dict[str, Any]:
    groups = {}
    for name, group in backend.autoscaling_groups.items():
        groups[name] = {
            "size": [group.min_size, group.max_size, group.desired_capacity],
            "template": group.ec2_launch_template.name if group.ec2_launch_template else None,
            "instances": sorted(state.lifecycle_state for state in group.instance_states),
            "tags": sorted(f"{tag['Key']}={tag['Value']}" for tag in group.tags),
        }
    actions = {name: [action.min_size, action.max_size] for name, action in backend.scheduled_actions.items()}
    return {"groups": groups, "policies": sorted(backend.policies), "actions": actions}


def _ec2(backend: Any) -> dict[str, Any]:
    instances = [one for one in backend.all_instances() if one.state not in {"terminated", "shutting-down"}]
    return {
        "instances": _counted(
            f"{one.instance_type} {one.autoscaling_group and one.autoscaling_group.name} {one.state}"
            for one in instances
        ),
        "templates": sorted(backend.launch_template_name_to_ids),
        "security groups": sorted(
            f"{group.name} {len(group.ingress_rules)}" for vpc in backend.groups.values() for group in vpc.values()
        ),
        "addresses": [bool(address.instance) for address in backend.addresses],
    }


def _balancers(backend: Any) -> dict[str, Any]:
    names = {arn: group.name for arn, group in backend.target_groups.items()}

    def actions(rule: Any) -> Any:
        text = json.dumps([action.data for action in rule.actions], default=str)
        for arn, name in names.items():
            text = text.replace(arn, name)
        return without_drawn(text)

    balancers = {
        balancer.name: {
            str(listener.port): [actions(rule) for rule in listener.rules.values()]
            for listener in balancer.listeners.values()
        }
        for balancer in backend.load_balancers.values()
    }
    return {
        "balancers": balancers,
        "groups": {group.name: _plain(group.attributes) for group in backend.target_groups.values()},
    }


def lines(found: dict[str, Any]) -> list[str]:
    """A picture as lines, which are compared more easily."""
    return json.dumps(found, indent=1, sort_keys=True).splitlines()


def without_drawn(text: str) -> str:
    """A text in which whatever chance has drawn is a star."""
    return _DRAWN.sub("*", text)


def in_order(texts: list[str]) -> list[str]:
    """Texts in which what chance has drawn is numbered as it comes."""
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return numbers.setdefault(match.group(), f"<{len(numbers) + 1}>")

    return [_DRAWN.sub(number, text) for text in texts]


def _plain(value: Any) -> Any:
    return json.loads(without_drawn(json.dumps(value, sort_keys=True, default=str)))


def _counted(texts: Any) -> dict[str, int]:
    return dict(sorted(Counter(without_drawn(text) for text in texts).items()))
