"""The steps of a deployment on an instance as scripts of a shell, in their order (reference: beanstalk.md §8.6). Pure."""

import re
import shlex
from collections.abc import Iterable, Iterator

from emulator.beanstalk.bundles.extensions import ConfigurationFile
from emulator.beanstalk.bundles.instance_keys import Command, InstanceFile
from emulator.beanstalk.bundles.languages import OWN
from emulator.beanstalk.bundles.platform_files import Process

STAGING = "/var/app/staging"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_PLAIN = re.compile(r"[;&|<>()`\n#]|^\s*(?:if|for|while|case|exec|cd)\b")


def script(lines: Iterable[str], *, environment: bool = True) -> bytes:
    """A script that ends at the first line that fails. `environment`: environment properties are set in it."""
    head = ["set -e", f". {OWN}/functions.sh", "export HOME=/root"]
    if environment:
        head.append(f". {OWN}/environment.sh")
    return ("\n".join([*head, *lines]) + "\n").encode()


def exports(variables: dict[str, str]) -> bytes:
    """Variables for a shell; those whose names it does not take are left out."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if _VARIABLE.fullmatch(name)]
    return ("\n".join(lines) + "\n").encode()


def prepare(files: Iterable[ConfigurationFile], contents: dict[str, bytes]) -> Iterator[str]:
    """Packages, groups, users, sources, files and commands, file by file.

    Args:
        files: in their order.
        contents: takes the contents of `files`, by the name under which they are found in `OWN`.

    """
    for file in files:
        yield f"said {shlex.quote(f'Configuration file {file.path}')}"
        for package in file.packages:
            for version in package.versions or ("",):
                yield _call("package", package.manager, package.name, version)
        for name, gid in file.groups:
            yield _call("group", name, gid or "")
        for user in file.users:
            yield _call("user", user.name, user.uid or "", user.home or "", ",".join(user.groups))
        for folder, url in file.sources:
            yield _call("source_of", folder, url)
        for item in file.files:
            yield from _file(item, contents)
        for command in file.commands:
            yield from _command(command, file.path, "/")


def container_commands(files: Iterable[ConfigurationFile]) -> Iterator[str]:
    """In the staging folder. The image is built once a deployment, as the leader would."""
    for file in files:
        for command in file.container_commands:
            yield from _command(command, file.path, STAGING)


def hooks(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield _call("run_hook", path, STAGING)


def buildfile(processes: Iterable[Process]) -> Iterator[str]:
    for process in processes:
        yield f"said {shlex.quote(f'Buildfile: {process.name}')}"
        yield f"(cd {STAGING} && /bin/sh -e -c {shlex.quote(process.command)})"


def process_script(process: Process) -> bytes:
    """What is executed for a process. A plain command replaces the shell, so that signals reach it."""
    if _NOT_PLAIN.search(process.command):
        return f"{process.command}\n".encode()
    first = process.command.split()[0]
    return f"exec {'env ' if '=' in first else ''}{process.command}\n".encode()


def _call(*words: str) -> str:
    return " ".join([words[0], *map(shlex.quote, words[1:])])


def _file(item: InstanceFile, contents: dict[str, bytes]) -> Iterator[str]:
    path = shlex.quote(item.path)
    yield f'mkdir -p "$(dirname {path})" && rm -f {path}'
    if item.link:
        yield f"ln -s {shlex.quote((item.content or b'').decode(errors='replace').strip())} {path}"
        return
    if item.source is not None:
        yield _call("fetch", item.source, item.path)
    else:
        name = f"files/{len(contents)}"
        contents[name] = item.content or b""
        yield f"cp {OWN}/{name} {path}"
    yield f"chown {shlex.quote(f'{item.owner}:{item.group}')} {path} && chmod {item.mode:03o} {path}"


def _command(command: Command, path: str, folder: str) -> Iterator[str]:
    """`test` decides whether it runs; `ignoreErrors`, whether its failure is the deployment's."""
    inside = [f"cd {shlex.quote(command.cwd or folder)}"]
    inside += [f"export {name}={shlex.quote(value)}" for name, value in command.env if _VARIABLE.fullmatch(name)]
    before = " && ".join(inside)
    words = command.command
    run = f"/bin/sh -c {shlex.quote(words)}" if isinstance(words, str) else " ".join(map(shlex.quote, words))
    what = shlex.quote(f"Command {command.name} of {path}")
    failed = f"said {what} failed and is ignored" if command.ignore_errors else f"{{ said {what} failed; exit 1; }}"
    body = f"said {what}; ({before} && {run}) || {failed}"
    if command.test is None:
        yield body
    else:
        test = f"({before} && /bin/sh -c {shlex.quote(command.test)}) >/dev/null 2>&1"
        yield f"if {test}; then {body}; else said {what} is left out by its test; fi"
