"""A quick dataclass does what the standard one with the same arguments does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar

import pytest

from authlens_core.values import quick_dataclass
from authlens_core.values.secret import Secret

# By the module: a type checker takes one for the other, and here both are run.
QUICK: Callable[..., Any] = quick_dataclass.dataclass
STANDARD: Callable[..., Any] = dataclasses.dataclass


def made_by(decorator: Callable[..., Any], **options: bool) -> Any:
    """Return a class with a field of each kind."""

    class Sample:
        """A class with a field of each kind."""

        KINDS: ClassVar[int] = 7
        name: str
        shown: bool = True
        parts: list[str] = field(default_factory=list)
        secret: str = field(default="", repr=False)
        aside: int = field(default=0, compare=False)
        later: int = field(default=1, kw_only=True)
        derived: str = field(default="derived", init=False)

    return decorator(slots=True, **options)(Sample)


@quick_dataclass.dataclass(frozen=True, slots=True)
class Point:
    """Can be pickled, because it is a member of a module."""

    x: int
    y: int = 0


@quick_dataclass.dataclass(frozen=True, slots=True)
class Named(Point):
    """Inherits two fields."""

    name: str = ""


@pytest.fixture(params=[True, False], ids=["frozen", "mutable"])
def pair(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return the same class, made by the two decorators."""
    return made_by(QUICK, frozen=request.param), made_by(STANDARD, frozen=request.param)


ARGUMENTS = [
    (("a",), {}),
    (("a", False, ["b"], "c", 4), {"later": 5}),
    ((), {"name": "a", "parts": ["b"], "secret": "hidden"}),
]


@pytest.mark.parametrize(("arguments", "named"), ARGUMENTS)
def test_has_the_same_fields_and_repr(
    pair: tuple[Any, Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    quick, standard = (kind(*arguments, **named) for kind in pair)
    assert dataclasses.asdict(quick) == dataclasses.asdict(standard)
    assert repr(quick) == repr(standard)
    assert [one.name for one in fields(quick)] == [one.name for one in fields(standard)]
    assert quick.__match_args__ == standard.__match_args__


@pytest.mark.parametrize(
    ("arguments", "named"), [((), {}), (("a", True, [], "", 0, 1), {}), (("a",), {"derived": "x"})]
)
def test_refuses_the_same_arguments(
    pair: tuple[Any, Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    messages = []
    for kind in pair:
        with pytest.raises(TypeError) as caught:
            kind(*arguments, **named)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_makes_a_default_for_each_instance(pair: tuple[Any, Any]) -> None:
    quick, _ = pair
    assert quick("a").parts is not quick("a").parts


def test_compares_the_same_fields(pair: tuple[Any, Any]) -> None:
    for kind in pair:
        assert kind("a") == kind("a", aside=3)
        assert kind("a") != kind("b")
        assert kind("a") != "a"


def test_hashes_where_it_is_frozen() -> None:
    for decorator in (QUICK, STANDARD):
        kind = made_by(decorator, frozen=True)
        assert hash(kind("a", True, ())) == hash(kind("a", True, (), aside=2))
        assert made_by(decorator).__hash__ is None


def test_compares_by_identity_without_eq() -> None:
    for decorator in (QUICK, STANDARD):
        kind = made_by(decorator, frozen=True, eq=False)
        one = kind("a")
        assert one != kind("a")
        assert {one: 1}[one] == 1


def test_leaves_the_repr_out_where_that_is_asked_for() -> None:
    for decorator in (QUICK, STANDARD):
        assert "name=" not in repr(made_by(decorator, repr=False)("a"))


def test_keeps_the_methods_that_a_class_has() -> None:
    def shown(self: object) -> str:
        return "shown"

    def same(self: object, other: object) -> bool:
        return True

    for decorator in (QUICK, STANDARD):
        body = {"__annotations__": {"x": "int"}, "__repr__": shown, "__eq__": same, "__doc__": "Own."}
        kind = decorator(frozen=True, slots=True)(type("Own", (), body))
        assert repr(kind(1)) == "shown"
        assert kind(1) == kind(2)
        assert hash(kind(1)) == hash(kind(1))


def test_refuses_a_change_where_it_is_frozen() -> None:
    for decorator in (QUICK, STANDARD):
        one = made_by(decorator, frozen=True)("a")
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
            one.name = "b"
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
            del one.name


def test_allows_a_change_where_it_is_not_frozen() -> None:
    one = made_by(QUICK)("a")
    one.name = "b"
    assert one.name == "b"


def test_calls_post_init() -> None:
    seen: list[int] = []
    body = {
        "__annotations__": {"x": "int"},
        "__post_init__": lambda self: seen.append(self.x),
        "__doc__": "P.",
    }
    QUICK(frozen=True, slots=True)(type("Watched", (), body))(3)
    assert seen == [3]


def test_has_no_dictionary() -> None:
    assert not hasattr(Point(1), "__dict__")
    assert not hasattr(Named(1), "__dict__")


def test_a_subclass_has_the_fields_of_both() -> None:
    assert repr(Named(1, 2, "n")) == "Named(x=1, y=2, name='n')"
    assert Named(1, 2) != Point(1, 2)
    assert replace(Named(1), name="n") == Named(1, name="n")
    match Named(1, 2, "n"):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_can_be_copied() -> None:
    one = Named(1, 2, "n")
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == copy.deepcopy(one) == one


def test_shows_no_secret() -> None:
    @quick_dataclass.dataclass(frozen=True, slots=True)
    class Holder:
        """Has a secret."""

        secret: Secret

    assert "hunter2" not in repr(Holder(Secret("hunter2")))


def test_the_first_value_of_a_subclass_compiles_what_its_base_is_made_by() -> None:
    @quick_dataclass.dataclass(frozen=True, slots=True)
    class Base:
        name: str

    class Derived(Base):
        __slots__ = ()

    assert (Derived("first").name, Derived("second").name, Base("third").name) == ("first", "second", "third")
