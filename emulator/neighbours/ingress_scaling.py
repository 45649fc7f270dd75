"""The scaling of services that ECS itself sets up, as moto keeps it."""

from collections.abc import Sequence
from typing import Any

from emulator.neighbours.environment_ports import Place
from emulator.neighbours.ingress_ports import ScalingSpec
from emulator.neighbours.world import MotoWorld

_SERVICE = "applicationautoscaling"
_NAMESPACE = "ecs"
_DIMENSION = "ecs:service:DesiredCount"
_ROLE = (
    "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
)


class IngressScaling:
    """See `ingress_ports.IngressResources`."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def ensure_scaling(self, place: Place, spec: ScalingSpec) -> None:
        """See `IngressResources`."""
        metric: dict[str, Any] = {"PredefinedMetricType": spec.metric}
        if spec.label is not None:
            metric["ResourceLabel"] = spec.label
        body = {"TargetValue": spec.target, "PredefinedMetricSpecification": metric, "DisableScaleIn": False}
        with self._world.lock:
            backend = self._backend(place)
            role = f"arn:aws:iam::{place.account}:{_ROLE}"
            backend.register_scalable_target(
                _NAMESPACE, spec.resource, _DIMENSION, spec.minimum, spec.maximum, role, None
            )
            before = self._policy(backend, spec.resource, spec.policy)
            if before is None or before.target_tracking_scaling_policy_configuration != body:
                backend.put_scaling_policy(
                    policy_name=spec.policy,
                    service_namespace=_NAMESPACE,
                    resource_id=spec.resource,
                    scalable_dimension=_DIMENSION,
                    policy_body=body,
                    policy_type="TargetTrackingScaling",
                )
        self._world.save_soon(_SERVICE, "cloudwatch")

    def delete_scaling(self, place: Place, resource: str, policies: Sequence[str]) -> None:
        """See `IngressResources`."""
        for policy in policies:
            self.drop_policy(place, resource, policy)
        with self._world.lock:
            backend = self._backend(place)
            backend.targets.get(_DIMENSION, {}).pop(resource, None)
        self._world.save_soon(_SERVICE, "cloudwatch")

    def drop_policy(self, place: Place, resource: str, policy: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            backend = self._backend(place)
            if self._policy(backend, resource, policy) is not None:
                backend.delete_scaling_policy(policy, _NAMESPACE, resource, _DIMENSION)
        self._world.save_soon(_SERVICE, "cloudwatch")

    def _backend(self, place: Place) -> Any:
        return self._world.backend(_SERVICE, place.account, place.region)

    @staticmethod
    def _policy(backend: Any, resource: str, name: str) -> Any:
        return next(
            (
                item
                for item in backend.policies.values()
                if item.resource_id == resource and item.policy_name == name and item.scalable_dimension == _DIMENSION
            ),
            None,
        )
