"""`dataclass` for classes with slots: as the standard one, and made in a tenth of the time.

The standard decorator compiles up to six methods of a class while its module is loaded. A login loads more
than a hundred such classes: with it, the process takes 1.6 times as long as a bare client, and may take 1.45
(docs/internals/performance.md, `login-process`). This one compiles `__init__` alone, called most, and
only for a class of which many values are made: a run makes none of half of the classes that it loads, and one
or two of most others. The other methods look the fields up by their names.

Remove it when the values are `msgspec.Struct`, which are made in a twentieth of the time, or when the oldest
Python that is supported makes a dataclass as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as standard_dataclass
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

# Compiling `__init__` takes as long as about twenty calls of the one that is not compiled.
_FEW: Final = 20

_Class = TypeVar("_Class", bound=type[Any])


def _quick_dataclass(
    *,
    slots: Literal[True],
    frozen: bool = False,
    kw_only: bool = False,
    repr: bool = True,  # noqa: A002 - as in the standard one
    eq: bool = True,
) -> Callable[[_Class], _Class]:
    """Return the decorator; the arguments are those of the standard one, which classes without slots need."""

    def decorate(decorated: _Class) -> _Class:
        # For a class without a text, the standard one writes its signature, which takes longer than all else.
        decorated.__doc__ = decorated.__doc__ or f"{decorated.__name__}."
        cls: Any = standard_dataclass(
            decorated, init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )
        own = vars(cls)
        cls.__init__ = _init_when_called(cls)
        if repr and "__repr__" not in own:
            cls.__repr__ = _repr(cls)
        if eq:
            if "__eq__" not in own:
                cls.__eq__ = _eq(cls)
            # For a class that has `__eq__` and no `__hash__`, Python adds `__hash__ = None`.
            if own.get("__hash__") is None:
                cls.__hash__ = _hash(cls) if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__, cls.__setstate__ = _refuse_to_set, _refuse_to_delete, _set_state
        made: _Class = cls
        return made

    return decorate


# A type checker knows the standard one, and what it makes of a class.
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - to be imported from here
else:
    dataclass = _quick_dataclass


def _init_when_called(cls: Any) -> Callable[..., None]:
    """Return an `__init__` whose first call replaces it: no value is made of half of the classes."""

    def replace_and_call(self: object, *arguments: object, **named: object) -> None:
        cls.__init__ = _init_of_few(cls)
        cls.__init__(self, *arguments, **named)

    return replace_and_call


def _init_of_few(cls: Any) -> Callable[..., None]:
    """Return an `__init__` that sets one field after another, and is compiled once it is called often."""
    setters: list[tuple[Field[Any], Callable[[object, object], None]]] = []
    positional: list[str] = []
    required: set[str] = set()
    allowed: set[str] = set()
    for field in fields(cls):
        left_out = field.default is MISSING and field.default_factory is MISSING
        if field.init or not left_out:
            setters.append((field, getattr(cls, field.name).__set__))
        if field.init:
            allowed.add(field.name)
            required |= {field.name} if left_out else set()
            positional += [] if field.kw_only else [field.name]
    finish = hasattr(cls, "__post_init__")
    calls = 0

    def init(self: Any, *arguments: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        given = {**named, **dict(zip(positional, arguments, strict=False))}
        complete = len(given) == len(arguments) + len(named) and required <= given.keys() <= allowed
        if calls > _FEW or not complete:  # Python itself says what is wrong with the arguments
            cls.__init__ = _init(cls)
            cls.__init__(self, *arguments, **named)
            return
        for field, assign in setters:
            if field.name in given:
                assign(self, given[field.name])
            elif field.default_factory is not MISSING:
                assign(self, field.default_factory())
            else:
                assign(self, field.default)
        if finish:
            self.__post_init__()

    return init


def _init(cls: type[Any]) -> Callable[..., None]:
    """Compile `__init__`. It sets a slot by its own descriptor, because a frozen class refuses assignment."""
    scope: dict[str, Any] = {"_left_out": MISSING}
    positional: list[str] = []
    by_name: list[str] = []
    body: list[str] = []
    for field in fields(cls):
        scope[f"_set_{field.name}"] = getattr(cls, field.name).__set__
        scope[f"_default_{field.name}"] = field.default
        scope[f"_make_{field.name}"] = field.default_factory
        if field.init:
            (by_name if field.kw_only else positional).append(_parameter(field))
        if value := _value(field):
            body.append(f"_set_{field.name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(["self", *positional, *(["*", *by_name] if by_name else [])])
    lines = "\n    ".join(body or ["pass"])
    exec(f"def __init__({parameters}):\n    {lines}", scope)  # noqa: S102 - made of the names of fields
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _parameter(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"{field.name}=_default_{field.name}"
    return field.name if field.default_factory is MISSING else f"{field.name}=_left_out"


def _value(field: Field[Any]) -> str:
    """Return the expression of what `__init__` sets; empty where it sets nothing."""
    name, made = field.name, field.default_factory is not MISSING
    if not field.init:
        return f"_make_{name}()" if made else f"_default_{name}" if field.default is not MISSING else ""
    return f"_make_{name}() if {name} is _left_out else {name}" if made else name


def _repr(cls: type[Any]) -> Callable[[object], str]:
    names = [field.name for field in fields(cls) if field.repr]

    @recursive_repr()
    def shown(self: object) -> str:
        members = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({members})"

    return shown


def _eq(cls: type[Any]) -> Callable[[object, object], bool]:
    # With the class, because of nothing or of one name it would make no tuple.
    values = attrgetter("__class__", *(field.name for field in fields(cls) if field.compare))

    def equal(self: object, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return equal


def _hash(cls: type[Any]) -> Callable[[object], int]:
    hashed = (field.name for field in fields(cls) if (field.compare if field.hash is None else field.hash))
    values = attrgetter("__class__", *hashed)
    return lambda self: hash(values(self))


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _set_state(self: object, state: tuple[None, dict[str, Any]]) -> None:
    """Make a copy what `object.__getstate__` returned of the original; it cannot assign either."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)
