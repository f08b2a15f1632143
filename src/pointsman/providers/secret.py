"""A text that is never shown, logged, compared in the open, or written anywhere."""

from __future__ import annotations

import hmac
from typing import NoReturn, Self

from pointsman.core.failure import ConfigError

__all__ = ["Secret"]


class Secret:
    """Holds a key. `reveal()` is the one way to it; `repr`, `str`, formatting and errors show `•••`, pickling is refused."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Surrounding white space, which files and shells add, is dropped. Raises `ConfigError` for an empty key, and for
        one with characters that no HTTP header can carry.
        """
        text = text.strip()
        if not text:
            raise ConfigError("the key is empty", hint="set it to the key the provider gave you")
        if not (text.isascii() and text.isprintable()):
            raise ConfigError("the key holds characters that no key has", hint="copy it again, without quotes or line breaks")
        self.__text = text

    def reveal(self) -> str:
        """The text itself, to be put into a request and nowhere else."""
        return self.__text

    def __repr__(self) -> str:
        return "•••"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__text, other.__text)

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")
