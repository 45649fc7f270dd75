"""The `ashore` command."""

import os
import sys

from ashore.commands import app
from ashore.errors import Exit, Problem, bug
from ashore.output import print_problem


def main() -> None:
    """Run the command; a problem is told with its fix, never as a traceback (unless ASHORE_DEBUG is set)."""
    try:
        app()
    except Problem as problem:
        print_problem(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("ASHORE_DEBUG"):
            raise
        print_problem(bug(error))
        sys.exit(Exit.BUG)


if __name__ == "__main__":
    main()
