"""Table of contents: ECR Public's operations and where they are; half of them are ECR's own, in the public registry."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.ecr import image_deletion, layers, repository_policies
from emulator.ecr import images as private_images
from emulator.ecr_public import images, registries, repositories, repository_tags
from emulator.ecr_public.place import public

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "BatchCheckLayerAvailability": layers.batch_check_layer_availability,
    "BatchDeleteImage": image_deletion.batch_delete_image,
    "CompleteLayerUpload": layers.complete_layer_upload,
    "CreateRepository": repositories.create_repository,
    "DeleteRepository": repositories.delete_repository,
    "DeleteRepositoryPolicy": repository_policies.delete_repository_policy,
    "DescribeImageTags": images.describe_image_tags,
    "DescribeImages": images.describe_images,
    "DescribeRegistries": registries.describe_registries,
    "DescribeRepositories": repositories.describe_repositories,
    "GetAuthorizationToken": registries.get_authorization_token,
    "GetRegistryCatalogData": registries.get_registry_catalog_data,
    "GetRepositoryCatalogData": repositories.get_repository_catalog_data,
    "GetRepositoryPolicy": repository_policies.get_repository_policy,
    "InitiateLayerUpload": layers.initiate_layer_upload,
    "ListTagsForResource": repository_tags.list_tags_for_resource,
    "PutImage": private_images.put_image,
    "PutRegistryCatalogData": registries.put_registry_catalog_data,
    "PutRepositoryCatalogData": repositories.put_repository_catalog_data,
    "SetRepositoryPolicy": repository_policies.set_repository_policy,
    "TagResource": repository_tags.tag_resource,
    "UntagResource": repository_tags.untag_resource,
    "UploadLayerPart": layers.upload_layer_part,
}

OPERATIONS: Mapping[str, Callable[..., Any]] = {name: public(name, function) for name, function in _FUNCTIONS.items()}
