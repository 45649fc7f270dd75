"""`ashore logs --kind` knows each kind that the journal has: the command does not import the server, so it names them itself."""

from ashore.commands.look import Kind as Asked
from emulator.journal import Kind


def test_the_command_knows_every_kind_of_entry() -> None:
    assert [kind.value for kind in Asked] == [kind.value for kind in Kind]
