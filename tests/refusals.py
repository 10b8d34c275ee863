"""What tests say of errors: their key and their field, not their wording."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pocketgan.base.errors import UserError


@contextmanager
def refused(key: str, field: str | None, **parts: object) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """Checks that the block raises a `UserError` with this key and field, and with these parts among its own."""
    with pytest.raises(UserError) as caught:
        yield caught
    error = caught.value
    assert (error.key, error.field) == (key, field), str(error)
    assert parts.items() <= error.parts.items()
    assert field is None or str(error).startswith((f"{field} ", f"{field}: "))
