"""The engine's refusals → the container's faults, in the words of the ECS agent."""

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException, Timeout

from emulator.runtime.faults import DockerTimeoutError, RuntimeFault

CONFLICT = 409
"""The name is taken, or the container is not in the state that the command needs."""


def explanation(error: Exception) -> str:
    """The engine's own sentence."""
    return str(getattr(error, "explanation", None) or error)


@contextmanager
def told_as(fault: type[RuntimeFault], aim: str) -> Iterator[None]:
    """Raise what the engine refuses as `fault`; `aim` is the state that a timeout did not reach."""
    try:
        yield
    except APIError as error:
        raise fault(f"Error response from daemon: {explanation(error)}") from error
    except Timeout as error:
        raise DockerTimeoutError(f"Could not transition to {aim}; timed out after waiting 4m0s") from error
    except RequestException as error:
        raise fault("Cannot connect to the Docker daemon. Is the docker daemon running?") from error
    except DockerException as error:
        raise fault(str(error)) from error
