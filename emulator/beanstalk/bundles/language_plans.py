"""Language platforms: an image on the platform's base image, in which the steps of a deployment are carried out (decision 16).

One image serves all instances of a deployment: what AWS does on each instance is done once, while it is built. Hooks of the stage
`postdeploy` run in each container when its processes have been started.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files as package_files
from typing import Any

from emulator.beanstalk.bundles import instance_scripts as scripts
from emulator.beanstalk.bundles.definitions import MEMORY, environment, mapping, with_secrets
from emulator.beanstalk.bundles.errors import InvalidOptionError
from emulator.beanstalk.bundles.extensions import Extensions
from emulator.beanstalk.bundles.files import Files
from emulator.beanstalk.bundles.languages import OWN, Language, as_json, base_image, language_of, port_of
from emulator.beanstalk.bundles.plan import MAIN, ApplicationPlan, ImageBuild, ImagePull, Mode, Proxy, Subject
from emulator.beanstalk.bundles.platform_files import PlatformFolder, read_platform_folder, read_processes
from emulator.beanstalk.bundles.platforms import Platform
from emulator.beanstalk.bundles.proxies import without_proxy
from scheduler.beanstalk.model import Said, Severity

_FOLDER = ".ashore"
"""In the context, beside the bundle's files."""

_PROGRAMS = ("deploy.sh", "start.sh", "functions.sh", "wsgi_server.py")


def plan_language(files: Files, extensions: Extensions, subject: Subject, platform: Platform) -> ApplicationPlan:
    """The one container of the application.

    Raises:
        BundleError: nothing can be started, or a file is not of its form.

    """
    port = port_of(platform, subject)
    if port is None:
        raise InvalidOptionError("PORT", subject.properties["PORT"])
    language = language_of(platform, files, read_processes(files, "Procfile"), subject)
    folder = read_platform_folder(files)
    variables = {**dict(language.environment), "PORT": str(port), **subject.properties}
    base = base_image(platform, subject)
    own = _files(files, extensions, subject, language, folder)
    dockerfile = "".join(f"{line}\n" for line in _dockerfile(base, prepared=f"{_FOLDER}/prepared/prepare.sh" in own))
    build = ImageBuild(
        tag=subject.image_tag(),
        context="",
        dockerfile=f"{_FOLDER}/Dockerfile",
        files={**own, **_configuration(variables, subject), f"{_FOLDER}/Dockerfile": (dockerfile.encode(), 0o644)},
        base=base,
    )
    proxied = not without_proxy(subject)
    container: dict[str, Any] = {
        "name": MAIN,
        "image": build.tag,
        "essential": True,
        "memoryReservation": MEMORY,
        "environment": environment(variables),
        "portMappings": [mapping(port, 0 if proxied else 80)],
        "mountPoints": [{"sourceVolume": "logs", "containerPath": "/var/log"}],
    }
    return ApplicationPlan(
        mode=Mode.LANGUAGE,
        builds=(build,),
        pulls=(ImagePull(base, always=False),),
        authentication=None,
        containers=(with_secrets(container, subject),),
        volumes=({"name": "logs", "host": {"sourcePath": "/var/log"}},),
        proxy=Proxy(MAIN, port) if proxied else None,
        log_folders={MAIN: "/var/log"},
        told=language.told,
        not_honoured=tuple(Said(text, Severity.WARN) for text in _unheard(extensions, folder)),
    )


def _files(
    files: Files, extensions: Extensions, subject: Subject, language: Language, folder: PlatformFolder
) -> dict[str, tuple[bytes, int]]:
    """Scripts of the stages, processes, and our own programs."""
    built = read_processes(files, "Buildfile")
    staged = f"cd {scripts.STAGING}"
    stages = {
        "prebuild": scripts.hooks(_hooks(folder, "prebuild", subject)),
        "install": (staged, *language.install),
        "build": scripts.buildfile(built) if built else (staged, *language.build),
        "container_commands": scripts.container_commands(extensions.files),
        "predeploy": scripts.hooks(_hooks(folder, "predeploy", subject)),
    }
    own = {f"{name}.sh": scripts.script(lines) for name, lines in stages.items()}
    own |= {f"processes/{process.name}": scripts.process_script(process) for process in language.processes}
    own["postdeploy"] = "".join(f"{path}\n" for path in _hooks(folder, "postdeploy", subject)).encode()
    own |= {name: _program(name) for name in _PROGRAMS}
    return {f"{_FOLDER}/own/{name}": (content, 0o644) for name, content in own.items()} | _prepared(extensions)


def _prepared(extensions: Extensions) -> dict[str, tuple[bytes, int]]:
    """What `.ebextensions` do before the application is there; empty where they do nothing."""
    if not any(set(file.instance_keys) - {"services", "container_commands"} for file in extensions.files):
        return {}
    contents: dict[str, bytes] = {}
    lines = list(scripts.prepare(extensions.files, contents))
    contents |= {"prepare.sh": scripts.script(lines, environment=False), "functions.sh": _program("functions.sh")}
    return {f"{_FOLDER}/prepared/{name}": (content, 0o644) for name, content in contents.items()}


def _hooks(folder: PlatformFolder, stage: str, subject: Subject) -> tuple[str, ...]:
    """When only settings change, hooks of the bundle have changed the instance before; here they must do so again."""
    return folder.hooks[stage] + (folder.confighooks[stage] if subject.configuration else ())


def _program(name: str) -> bytes:
    return package_files("emulator.beanstalk.bundles.instance").joinpath(name).read_bytes()


def _configuration(variables: Mapping[str, str], subject: Subject) -> dict[str, tuple[bytes, int]]:
    """Environment properties, and what get-config tells."""
    spaces: dict[str, dict[str, str]] = {}
    for (namespace, name), value in subject.options.items():
        spaces.setdefault(namespace, {})[name] = value
    own = {"environment.json": as_json(dict(variables)), "optionsettings.json": as_json(spaces)}
    own |= {f"environment/{_key(name)}": value.encode() for name, value in variables.items()}
    for namespace, options in spaces.items():
        own[f"optionsettings/{_key(namespace)}.json"] = as_json(options)
        own |= {f"optionsettings/{_key(namespace)}/{_key(name)}": value.encode() for name, value in options.items()}
    found = {f"{_FOLDER}/own/config/{name}": (content, 0o644) for name, content in own.items()}
    found[f"{_FOLDER}/own/environment.sh"] = (scripts.exports(dict(variables)), 0o644)
    found[f"{_FOLDER}/own/get-config"] = (_program("get-config.sh"), 0o755)
    return found


def _key(name: str) -> str:
    return f"k{name.replace('%', '%25').replace('/', '%2F')}"


def _dockerfile(base: str, *, prepared: bool) -> Iterator[str]:
    """Few layers, for engines that keep each of them whole; what changes seldom comes first, for the builder's cache."""
    yield f"FROM {base}"
    yield "USER 0"
    if prepared:
        yield f'COPY ["{_FOLDER}/prepared/", "{OWN}/"]'
        yield f'RUN ["/bin/sh", "{OWN}/prepare.sh"]'
    yield f'COPY [".", "{scripts.STAGING}/"]'
    yield f'RUN ["/bin/sh", "{scripts.STAGING}/{_FOLDER}/own/deploy.sh"]'
    yield "WORKDIR /var/app/current"
    yield f'ENTRYPOINT ["/bin/sh", "{OWN}/start.sh"]'
    yield "CMD []"


def _unheard(extensions: Extensions, folder: PlatformFolder) -> Iterator[str]:
    for file in extensions.files:
        if any(package.manager in {"yum", "rpm"} for package in file.packages):
            yield f"Packages of {file.path} are installed by yum where the base image has it, and left out elsewhere."
        if any(item.authentication for item in file.files):
            yield f"'authentication' of {file.path} cannot be honoured: files are downloaded without credentials."
        if file.services:
            yield f"Services of {file.path} cannot be honoured: nothing manages services in a container."
    if folder.proxy:
        yield f"{', '.join(folder.proxy)} cannot be honoured: the proxy of an instance is not nginx or httpd here."
