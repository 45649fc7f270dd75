"""Table of contents: CodeDeploy's operations and where they are. What is not here is not emulated."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.codedeploy import (
    applications,
    deployment_configs,
    deployment_documents,
    deployment_groups,
    deployment_targets,
    deployments,
    tags,
)

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "BatchGetApplications": applications.batch_get_applications,
    "BatchGetDeploymentGroups": deployment_groups.batch_get_deployment_groups,
    "BatchGetDeploymentTargets": deployment_targets.batch_get_deployment_targets,
    "BatchGetDeployments": deployment_documents.batch_get_deployments,
    "ContinueDeployment": deployments.continue_deployment,
    "CreateApplication": applications.create_application,
    "CreateDeployment": deployments.create_deployment,
    "CreateDeploymentConfig": deployment_configs.create_deployment_config,
    "CreateDeploymentGroup": deployment_groups.create_deployment_group,
    "DeleteApplication": applications.delete_application,
    "DeleteDeploymentConfig": deployment_configs.delete_deployment_config,
    "DeleteDeploymentGroup": deployment_groups.delete_deployment_group,
    "GetApplication": applications.get_application,
    "GetDeployment": deployment_documents.get_deployment,
    "GetDeploymentConfig": deployment_configs.get_deployment_config,
    "GetDeploymentGroup": deployment_groups.get_deployment_group,
    "GetDeploymentTarget": deployment_targets.get_deployment_target,
    "ListApplications": applications.list_applications,
    "ListDeploymentConfigs": deployment_configs.list_deployment_configs,
    "ListDeploymentGroups": deployment_groups.list_deployment_groups,
    "ListDeploymentTargets": deployment_targets.list_deployment_targets,
    "ListDeployments": deployment_documents.list_deployments,
    "ListTagsForResource": tags.list_tags_for_resource,
    "PutLifecycleEventHookExecutionStatus": deployments.put_lifecycle_event_hook_execution_status,
    "SkipWaitTimeForInstanceTermination": deployments.skip_wait_time_for_instance_termination,
    "StopDeployment": deployments.stop_deployment,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateApplication": applications.update_application,
    "UpdateDeploymentGroup": deployment_groups.update_deployment_group,
}
