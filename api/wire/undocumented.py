"""What clients of Elastic Beanstalk send and read though the published model lacks it: the EB CLI brings a model of its own.

Source: reference beanstalk.md §0.5, §0.8, §2, and what the EB CLI's requests show.
"""

from typing import Any

_TIER = {"Tier": {"shape": "EnvironmentTier"}}
_SPECIFICATION = {"TemplateSpecification": {"shape": "TemplateSpecification"}}

_SHAPES: dict[str, Any] = {
    "TemplateSpecification": {
        "type": "structure",
        "members": {"TemplateSource": {"shape": "TemplateSource"}, "TemplateSnippets": {"shape": "TemplateSnippets"}},
    },
    "TemplateSnippets": {"type": "list", "member": {"shape": "TemplateSnippet"}},
    "TemplateSnippet": {
        "type": "structure",
        "members": {name: {"shape": "String"} for name in ("SnippetName", "Order", "SourceUrl")},
    },
    "TemplateSource": {"type": "structure", "members": {"EnvironmentName": {"shape": "EnvironmentName"}}},
}
_MEMBERS: dict[str, dict[str, Any]] = {
    "ConfigurationOptionsDescription": _TIER,
    "ConfigurationSettingsDescription": _TIER,
    "CreateConfigurationTemplateMessage": _SPECIFICATION,
    "CreateEnvironmentMessage": _SPECIFICATION,
    "DescribeConfigurationOptionsMessage": _TIER | {"OptionSettings": {"shape": "ConfigurationOptionSettingsList"}},
}
_OPTIONAL = {"ValidateConfigurationSettingsMessage": "OptionSettings"}


def add_undocumented(shapes: dict[str, Any]) -> None:
    """Add it to the shapes of a model that has just been read."""
    shapes |= _SHAPES
    for name, members in _MEMBERS.items():
        shapes[name]["members"] |= members
    for name, member in _OPTIONAL.items():
        shapes[name]["required"].remove(member)
