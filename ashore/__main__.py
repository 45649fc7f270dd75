"""The `ashore` command."""

import sys

from ashore.commands import app
from ashore.errors import Problem
from ashore.output import print_problem


def main() -> None:
    """Run the command; a problem is told with its fix, never as a traceback."""
    try:
        app()
    except Problem as problem:
        print_problem(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
