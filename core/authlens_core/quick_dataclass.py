"""`dataclass` for classes with slots: as the standard one, and made in a fifth of the time.

The standard decorator compiles up to six methods of a class while its module is loaded. A login loads a
hundred such classes; with it, they would be half of the loading time, and most are never compared, hashed or
printed. This one compiles `__init__` alone. All frozen classes share the methods that refuse a change; the
standard decorator compiles the others when they are first called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields, make_dataclass
from dataclasses import dataclass as standard_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

_Class = TypeVar("_Class", bound=type[Any])


def _quick_dataclass(
    *, slots: Literal[True], frozen: bool = False, kw_only: bool = False, **methods: bool
) -> Callable[[_Class], _Class]:
    """Return the decorator; the arguments are those of the standard one.

    Args:
        slots: a class without slots is for the standard one.
        methods: `repr` and `eq`, both true where they are left out.
    """

    def decorate(decorated: _Class) -> _Class:
        own = vars(decorated)
        wanted = {name for name in ("repr", "eq") if methods.get(name, True) and f"__{name}__" not in own}
        # For a class that has `__eq__` and no `__hash__`, Python adds `__hash__ = None`.
        hashes = methods.get("eq", True) and own.get("__hash__") is None
        cls: Any = standard_dataclass(
            decorated, init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )
        cls.__init__ = _init(cls)
        for name in wanted:
            _compile_later(cls, f"__{name}__", **{name: True})
        if hashes and frozen:
            _compile_later(cls, "__hash__", unsafe_hash=True)
        elif hashes:
            cls.__hash__ = None
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


def _compile_later(cls: type[Any], name: str, **options: bool) -> None:
    """Let the standard decorator make this method of `cls` when it is first called."""

    def compile_and_call(self: object, *arguments: object) -> object:
        wanted: dict[str, Any] = {"init": False, "repr": False, "eq": False, **options}
        twin = make_dataclass(cls.__name__, [(one.name, one.type, one) for one in fields(cls)], **wanted)
        method = vars(twin)[name]
        setattr(cls, name, method)
        return method(self, *arguments)

    setattr(cls, name, compile_and_call)


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _set_state(self: object, state: tuple[None, dict[str, Any]]) -> None:
    """Make a copy what `object.__getstate__` returned of the original; it cannot assign either."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)
