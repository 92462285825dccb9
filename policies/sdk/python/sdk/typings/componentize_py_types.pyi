"""What componentize-py gives every policy beside the host's interfaces, for editors."""

from typing import Any, Generic, TypeVar, Union

T = TypeVar("T")
# `except Err as error` does not say of what.
E = TypeVar("E", default=Any)

class Some(Generic[T]):
    """What is there, where an option holds an option."""

    value: T
    def __init__(self, value: T) -> None: ...

class Ok(Generic[T]):
    value: T
    def __init__(self, value: T) -> None: ...

class Err(Exception, Generic[E]):
    """Raised where the host refuses a call, and to be raised with a failure."""

    value: E
    def __init__(self, value: E) -> None: ...

Result = Union[Ok[T], Err[E]]
