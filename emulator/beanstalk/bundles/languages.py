"""What each language platform does with an application: base image, port, dependencies, and what starts where no Procfile says so
(reference: beanstalk.md §8.5).
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emulator.beanstalk.bundles.errors import NoProcessError
from emulator.beanstalk.bundles.files import Files
from emulator.beanstalk.bundles.node_packages import NodePackage, read_node_package
from emulator.beanstalk.bundles.plan import Subject
from emulator.beanstalk.bundles.platform_files import Process
from emulator.beanstalk.bundles.platforms import Family, Platform
from scheduler.beanstalk.model import Said

OWN = "/opt/elasticbeanstalk/ashore"
"""Where scripts of ours are in the image."""

_GENERATED = Said("Instance deployment successfully generated a 'Procfile'.")
_USED = Said("Instance deployment used the commands in your 'Procfile' to initiate startup of your application.")
_JAR = Said("Instance deployment successfully detected a JAR file in your source bundle.")
_NODE_VERSION = Said(
    "Instance deployment: You didn't specify a Node.js version in the 'package.json' file in your source bundle. The deployment "
    "didn't install a specific Node.js version."
)
_PYTHON = "aws:elasticbeanstalk:container:python"
_JVM = "aws:elasticbeanstalk:container:tomcat:jvmoptions"
_PHP = "aws:elasticbeanstalk:container:php:phpini"


@dataclass(frozen=True, slots=True)
class Language:
    """What a platform does with one bundle."""

    processes: tuple[Process, ...]
    install: tuple[str, ...] = ()
    """Lines of shell that install dependencies, in the staging folder."""
    build: tuple[str, ...] = ()
    """Lines that build the application where no Buildfile does."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that the platform sets, behind environment properties."""
    told: tuple[Said, ...] = ()


_IMAGES: Mapping[Family, str] = {
    Family.PYTHON: "python:{version}-slim",
    Family.NODE: "node:{version}-slim",
    Family.GO: "golang:{version}",
    Family.RUBY: "ruby:{version}-slim",
    Family.PHP: "php:{version}-apache",
    Family.JAVA: "amazoncorretto:{version}",
    Family.TOMCAT: "tomcat:{version}-jdk{java}",
    Family.DOTNET: "mcr.microsoft.com/dotnet/aspnet:{version}.0",
}


def base_image(platform: Platform, subject: Subject) -> str:
    """The image that stands for the platform's own: public ones, unless a setting names another for the branch, for
    `FAMILY VERSION`, or for the family.
    """
    for name in (subject.platform_branch, f"{platform.family} {platform.version}", platform.family.value):
        if name in subject.images:
            return subject.images[name]
    return _IMAGES[platform.family].format(version=platform.version, java=platform.java)


def port_of(platform: Platform, subject: Subject) -> int | None:
    """PORT, else the platform's: 8000 on Python (developer guide, Procfile of Python), else 5000. None: PORT is no port."""
    text = subject.properties.get("PORT", "8000" if platform.family is Family.PYTHON else "5000")
    return int(text) if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= 65535 else None


def language_of(platform: Platform, files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    """What the platform does with the bundle.

    Raises:
        NoProcessError: nothing in it can be started.
        InvalidFileError: package.json is not of its form.

    """
    return _LANGUAGES[platform.family](files, procfile, subject)


_Maker = Callable[[Files, tuple[Process, ...] | None, Subject], Language]


def _started(procfile: tuple[Process, ...] | None, command: str) -> tuple[tuple[Process, ...], Said]:
    return (procfile, _USED) if procfile else ((Process("web", command),), _GENERATED)


def _python(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    options = {name: subject.options.get((_PYTHON, name), default) for name, default in _PYTHON_OPTIONS.items()}
    path = options["WSGIPath"]
    module = path.removesuffix(".py").replace("/", ".") if ":" not in path else path
    target = shlex.quote(module if ":" in module else f"{module}:application")
    workers, threads = shlex.quote(options["NumProcesses"]), shlex.quote(options["NumThreads"])
    served = (
        "if command -v gunicorn >/dev/null; then "
        f'exec gunicorn --bind "0.0.0.0:$PORT" --workers={workers} --threads={threads} {target}; '
        f"else exec python3 {OWN}/wsgi_server.py {target}; fi"
    )
    install = []
    if files.has("requirements.txt"):
        install.append("python3 -m pip install -r requirements.txt")
    elif files.has("Pipfile.lock") or files.has("Pipfile"):
        install.append("python3 -m pip install pipenv && python3 -m pipenv install --system --skip-lock")
    if procfile is None:
        install.append(
            "command -v gunicorn >/dev/null || python3 -m pip install --retries 1 gunicorn || said no gunicorn can be had"
        )
    processes, said = _started(procfile, served)
    return Language(processes, tuple(install), told=(said,) if procfile else ())


_PYTHON_OPTIONS = {"WSGIPath": "application", "NumProcesses": "1", "NumThreads": "15"}


def _node(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    del subject
    package = read_node_package(files)
    command = _node_command(files, package)
    if procfile is None and command is None:
        raise NoProcessError(
            "Instance deployment failed to generate a 'Procfile' for Node.js. Provide one of these files: 'package.json', "
            "'server.js', or 'app.js'. The deployment failed."
        )
    install = ("[ -d node_modules ] || npm install --omit=dev",) if package is not None else ()
    processes, said = _started(procfile, command or "")
    told = (_NODE_VERSION, said) if package is not None and not package.has_version else (said,)
    return Language(processes, install, told=told)


def _node_command(files: Files, package: NodePackage | None) -> str | None:
    if package is not None and package.has_start:
        return "npm start"
    return next((f"node {name}" for name in ("app.js", "server.js") if files.has(name)), None)


def _go(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    del subject
    build: tuple[str, ...] = ()
    if files.has("application.go") and not files.has("Buildfile"):
        build = ("go build -o bin/application application.go",)
    elif procfile is None and not files.has("application") and not files.has("Buildfile"):
        raise NoProcessError(_missing("Go", "'application.go', 'Procfile', or 'Buildfile'"))
    command = "./application" if files.has("application") else "bin/application"
    processes, said = _started(procfile, command)
    return Language(processes, build=build, told=(said,))


def _ruby(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    del subject
    install = ("bundle install",) if files.has("Gemfile") else ()
    command = "bundle exec puma -b tcp://0.0.0.0:$PORT" if install else "puma -b tcp://0.0.0.0:$PORT"
    processes, said = _started(procfile, command)
    defaults = (("RACK_ENV", "production"), ("BUNDLE_WITHOUT", "test:development"))
    return Language(processes, install, environment=defaults, told=(said,))


def _php(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    root = subject.options.get((_PHP, "document_root"), "/").strip("/")
    install: tuple[str, ...] = ()
    if files.has("composer.json"):
        options = subject.options.get((_PHP, "composer_options"), "")
        install = (f"[ -d vendor ] || composer install --no-dev {options}".rstrip(),)
    served = (
        'sed -i "s/^Listen .*/Listen $PORT/" /etc/apache2/ports.conf; '
        'sed -i "s/<VirtualHost .*>/<VirtualHost *:$PORT>/" /etc/apache2/sites-available/000-default.conf; '
        f"rm -rf /var/www/html; ln -s {shlex.quote(f'/var/app/current/{root}'.rstrip('/'))} /var/www/html; "
        "exec apache2-foreground"
    )
    processes, _ = _started(procfile, served)
    return Language(processes, install)


def _java(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    del subject
    jars = [name for name in files.names("") if name.endswith(".jar")]
    if procfile is None and len(jars) != 1:
        raise NoProcessError(_missing("Java", "a single JAR file or a 'Procfile'"))
    processes, said = _started(procfile, f"java -jar {shlex.quote(jars[0])}" if jars else "")
    return Language(processes, told=(said,) if procfile else (_JAR, said))


def _tomcat(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    """Environment properties are system properties of the virtual machine too."""
    del files
    options = {name: subject.options.get((_JVM, name), default) for name, default in _JVM_OPTIONS.items()}
    words = [f"-Xms{options['Xms']}", f"-Xmx{options['Xmx']}", *options["JVM Options"].split()]
    words += [f"-D{name}={value}" for name, value in subject.properties.items()]
    served = (
        f"JAVA_OPTS={shlex.quote(' '.join(map(shlex.quote, words)))}; export JAVA_OPTS; "
        'sed -i "s/port=\\"8080\\"/port=\\"$PORT\\"/" "$CATALINA_HOME/conf/server.xml"; '
        'rm -rf "$CATALINA_HOME/webapps/ROOT"; ln -s /var/app/current "$CATALINA_HOME/webapps/ROOT"; '
        'exec "$CATALINA_HOME/bin/catalina.sh" run'
    )
    processes, _ = _started(procfile, served)
    return Language(processes)


_JVM_OPTIONS = {"Xms": "256m", "Xmx": "256m", "JVM Options": ""}


def _dotnet(files: Files, procfile: tuple[Process, ...] | None, subject: Subject) -> Language:
    del subject
    names = [
        name.removesuffix(".runtimeconfig.json") for name in files.names("") if name.endswith(".runtimeconfig.json")
    ]
    if procfile is None and len(names) != 1:
        raise NoProcessError(_missing(".NET", "a single '*.runtimeconfig.json' file or a 'Procfile'"))
    processes, said = _started(procfile, f"dotnet {shlex.quote(f'./{names[0]}.dll')}" if names else "")
    return Language(processes, environment=(("ASPNETCORE_URLS", "http://0.0.0.0:5000"),), told=(said,))


def _missing(language: str, wanted: str) -> str:
    """By analogy with Node.js (unconfirmed)."""
    return (
        f"Instance deployment failed to generate a 'Procfile' for {language}. Provide {wanted}. The deployment failed."
    )


_LANGUAGES: Mapping[Family, _Maker] = {
    Family.PYTHON: _python,
    Family.NODE: _node,
    Family.GO: _go,
    Family.RUBY: _ruby,
    Family.PHP: _php,
    Family.JAVA: _java,
    Family.TOMCAT: _tomcat,
    Family.DOTNET: _dotnet,
}


def as_json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"
