"""The caller's public registry: its alias, its catalog data, and passwords for it."""

import base64
from typing import Any

from emulator.context import Context
from emulator.ecr.public_names import PUBLIC_HOST, PUBLIC_REGION, alias_of
from emulator.ecr.registry_documents import document_of, put_document
from emulator.ecr.tokens import LIFETIME, USER, Claims, sign

_CATALOG = "catalog"
_PRIVATE_REGION = "us-east-1"
"""Passwords carry a region; this one's private registry is what it opens beside the public ones."""


def describe_registries(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeRegistries: an account has one, under its default alias."""
    del request
    alias = alias_of(context.account)
    return {
        "registries": [
            {
                "registryId": context.account,
                "registryArn": f"arn:aws:ecr-public::{context.account}:registry/{context.account}",
                "registryUri": f"localhost:{context.emulator.port}/{PUBLIC_HOST}/{alias}",
                "verified": False,
                "aliases": [
                    {"name": alias, "status": "ACTIVE", "primaryRegistryAlias": True, "defaultRegistryAlias": True}
                ],
            }
        ]
    }


def get_registry_catalog_data(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """GetRegistryCatalogData."""
    del request
    return {"registryCatalogData": document_of(context, context.account, PUBLIC_REGION, _CATALOG) or {}}


def put_registry_catalog_data(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """PutRegistryCatalogData."""
    document = {name: request[name] for name in ("displayName",) if name in request}
    put_document(context, _CATALOG, document)
    return {"registryCatalogData": document}


def get_authorization_token(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """GetAuthorizationToken: one object, where ECR answers a list."""
    del request
    expires_at = (context.now + LIFETIME).replace(microsecond=0)
    password = sign(context.session, Claims(context.account, _PRIVATE_REGION, context.principal, expires_at))
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return {"authorizationData": {"authorizationToken": token, "expiresAt": expires_at}}
