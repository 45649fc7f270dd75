"""Events that several policies tell. Clients wait for some of them byte for byte."""

from scheduler.beanstalk.model import Said, Severity

COMPLETED = Said("Environment update completed successfully.")
NEW_VERSION = Said("New application version was deployed to running EC2 instances.")
NEW_CONFIGURATION = Said("Successfully deployed new configuration to environment.")
DEPLOYING = Said("Deploying new version to instance(s).")
NOT_DEPLOYED = Said("Failed to deploy application.", Severity.ERROR)
MIXED_VERSIONS = Said(
    "During an aborted deployment, some instances may have deployed the new application version. To ensure all instances"
    " are running the same version, re-deploy the appropriate application version.",
    Severity.ERROR,
)
"""Seen in event logs after `Failed to deploy application.`; the policies that change instances in place tell it."""
NOT_CONFIGURED = Said("Failed to deploy configuration.", Severity.ERROR)
REVERTED = Said("The environment was reverted to the previous configuration setting.")


def updating(environment: str) -> Said:
    return Said(f"Updating environment {environment}'s configuration settings.")
