"""What is registered in Cloud Map, and what not any more."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.reconcile.discovery import Action, Deregister, Instance, Key, Register, SetHealth, step

KEYS = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", "3"]))
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2"]).map(lambda address: {"AWS_INSTANCE_IPV4": address})
WANTED = st.dictionaries(KEYS, st.builds(Instance, ADDRESSES, st.none() | st.booleans()))
KNOWN = st.dictionaries(KEYS, st.builds(Instance, ADDRESSES, st.booleans()))


def carried_out(known: dict[Key, Instance], actions: list[Action]) -> dict[Key, Instance]:
    """What the registries have afterwards; an instance without told health is healthy there."""
    after = dict(known)
    for action in actions:
        match action:
            case Register(key, instance):
                after[key] = Instance(instance.attributes, True if instance.healthy is None else instance.healthy)
            case SetHealth(key, healthy):
                after[key] = Instance(after[key].attributes, healthy)
            case Deregister(key):
                del after[key]
    return after


@given(WANTED, KNOWN)
def test_one_pass_makes_registries_as_wanted_and_a_second_does_nothing(
    wanted: dict[Key, Instance], known: dict[Key, Instance]
) -> None:
    actions = step(wanted, known)
    after = carried_out(known, actions)
    assert after.keys() == wanted.keys()
    assert all(after[key].attributes == instance.attributes for key, instance in wanted.items())
    assert all(instance.healthy in {None, after[key].healthy} for key, instance in wanted.items())
    assert step(wanted, after) == []
    assert all(action.reason for action in actions)


@given(WANTED, KNOWN)
def test_an_instance_is_touched_once_and_new_ones_come_first(
    wanted: dict[Key, Instance], known: dict[Key, Instance]
) -> None:
    actions = step(wanted, known)
    assert len({action.key for action in actions}) == len(actions)
    kinds = [isinstance(action, Deregister) for action in actions]
    assert kinds == sorted(kinds)
