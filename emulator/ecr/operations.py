"""Table of contents: ECR's operations and where they are."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.ecr import (
    authorization,
    image_deletion,
    image_lists,
    images,
    layers,
    registry_settings,
    repositories,
    repository_tags,
)

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "BatchCheckLayerAvailability": layers.batch_check_layer_availability,
    "BatchDeleteImage": image_deletion.batch_delete_image,
    "BatchGetImage": images.batch_get_image,
    "CompleteLayerUpload": layers.complete_layer_upload,
    "CreateRepository": repositories.create_repository,
    "DeleteRepository": repositories.delete_repository,
    "DescribeImages": image_lists.describe_images,
    "DescribeRepositories": repositories.describe_repositories,
    "GetAccountSetting": registry_settings.get_account_setting,
    "GetAuthorizationToken": authorization.get_authorization_token,
    "GetDownloadUrlForLayer": layers.get_download_url_for_layer,
    "InitiateLayerUpload": layers.initiate_layer_upload,
    "ListImages": image_lists.list_images,
    "ListTagsForResource": repository_tags.list_tags_for_resource,
    "PutAccountSetting": registry_settings.put_account_setting,
    "PutImage": images.put_image,
    "PutImageTagMutability": repositories.put_image_tag_mutability,
    "TagResource": repository_tags.tag_resource,
    "UntagResource": repository_tags.untag_resource,
    "UploadLayerPart": layers.upload_layer_part,
}
