"""Table of contents: ECS's operations and where they are."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.ecs import clusters, container_instances, services, tags, task_definitions, tasks

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "CreateCluster": clusters.create_cluster,
    "CreateService": services.create_service,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteService": services.delete_service,
    "DeleteTaskDefinitions": task_definitions.delete_task_definitions,
    "DeregisterContainerInstance": container_instances.deregister_container_instance,
    "DeregisterTaskDefinition": task_definitions.deregister_task_definition,
    "DescribeClusters": clusters.describe_clusters,
    "DescribeContainerInstances": container_instances.describe_container_instances,
    "DescribeServices": services.describe_services,
    "DescribeTaskDefinition": task_definitions.describe_task_definition,
    "DescribeTasks": tasks.describe_tasks,
    "ListClusters": clusters.list_clusters,
    "ListContainerInstances": container_instances.list_container_instances,
    "ListServices": services.list_services,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTaskDefinitionFamilies": task_definitions.list_task_definition_families,
    "ListTaskDefinitions": task_definitions.list_task_definitions,
    "ListTasks": tasks.list_tasks,
    "RegisterTaskDefinition": task_definitions.register_task_definition,
    "RunTask": tasks.run_task,
    "StartTask": tasks.start_task,
    "StopTask": tasks.stop_task,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateCluster": clusters.update_cluster,
    "UpdateClusterSettings": clusters.update_cluster_settings,
    "UpdateContainerInstancesState": container_instances.update_container_instances_state,
    "UpdateService": services.update_service,
}
