"""Which way a bundle is carried out (reference: beanstalk.md §8.3 to §8.5), and what of it is told instead of done."""

from collections.abc import Iterator
from dataclasses import replace

from emulator.beanstalk.bundles import compose_values, docker_plans, dockerrun
from emulator.beanstalk.bundles.compose_plans import plan_compose
from emulator.beanstalk.bundles.ecs_dockerrun import plan_ecs
from emulator.beanstalk.bundles.errors import MissingDockerFilesError, UnsupportedPlatformError
from emulator.beanstalk.bundles.extensions import Extensions
from emulator.beanstalk.bundles.files import Files
from emulator.beanstalk.bundles.language_plans import plan_language
from emulator.beanstalk.bundles.plan import ApplicationPlan, Mode, Subject
from emulator.beanstalk.bundles.platform_files import read_platform_folder
from emulator.beanstalk.bundles.platforms import Family, platform_of
from emulator.beanstalk.bundles.proxies import asked_files, static_files
from scheduler.beanstalk.model import Said, Severity


def plan(files: Files, extensions: Extensions, subject: Subject) -> ApplicationPlan:
    """What is built, pulled and run for this deployment.

    Args:
        files: the unpacked bundle.
        extensions: its configuration files (`read_extensions`), whose settings are already among the subject's options.
        subject: the deployment.

    Raises:
        BundleError: the bundle cannot be deployed; the text is that of the event.

    """
    platform = platform_of(subject.platform_branch)
    if platform is None:
        raise UnsupportedPlatformError(subject.platform_branch)
    match platform.family:
        case Family.ECS:
            found = plan_ecs(files, subject)
        case Family.DOCKER:
            found = _docker(files, subject)
        case _:
            found = plan_language(files, extensions, subject, platform)
    texts = list(_resources(extensions))
    static = static_files(subject, files) if found.proxy is not None else ()
    missed = sorted({path for path, _ in asked_files(subject)} - {path for path, _ in static})
    if missed:
        why = "only folders of the bundle are served" if found.proxy is not None else "no proxy stands before its ports"
        texts.append(f"Static files ({', '.join(missed)}) cannot be honoured: {why}.")
    if found.mode is not Mode.LANGUAGE:
        texts += _on_no_instance(files, extensions)
    return replace(
        found,
        static=static,
        told=extensions.told + found.told,
        not_honoured=found.not_honoured + tuple(Said(text, Severity.WARN) for text in texts),
    )


def _docker(files: Files, subject: Subject) -> ApplicationPlan:
    """docker-compose.yml, then Dockerfile, then Dockerrun.aws.json."""
    if files.has(compose_values.FILE):
        return plan_compose(files, subject)
    document = dockerrun.document(files)
    run = dockerrun.read_dockerrun(document) if document is not None else None
    if files.has(docker_plans.DOCKERFILE):
        return docker_plans.plan_dockerfile(files, run, subject)
    if run is None:
        raise MissingDockerFilesError
    return docker_plans.plan_image(run, subject)


def _resources(extensions: Extensions) -> Iterator[str]:
    for file in extensions.files:
        if file.resources:
            yield f"Resources of {file.path} cannot be honoured: no CloudFormation stack stands behind an environment here."


def _on_no_instance(files: Files, extensions: Extensions) -> Iterator[str]:
    """Where containers are the user's own images there is no system of the instance that could be changed."""
    for file in extensions.files:
        if file.instance_keys:
            keys = ", ".join(file.instance_keys)
            yield f"{keys} of {file.path} cannot be honoured: an instance of this platform has no system of its own here."
    folder = read_platform_folder(files)
    hooks = [path for stages in (folder.hooks, folder.confighooks) for paths in stages.values() for path in paths]
    if hooks:
        yield (
            f"{', '.join(hooks)} cannot be honoured: hooks run on an instance, which has no system of its own here on this "
            "platform."
        )
    if folder.proxy:
        yield f"{', '.join(folder.proxy)} cannot be honoured: the proxy of an instance is not nginx or httpd here."
