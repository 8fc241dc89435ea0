"""Pages are templates filled in: whatever a value holds is shown, and is no markup."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from fingerprint_sdk.text import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, /, **values: object) -> Markup:
    """Fill in a template, a file of this package.

    Every value is escaped, and shown as ``text.visible`` has it, but for what ``render`` gave
    itself. A value that a template asks for and that is missing is an error.

    Returns:
        Markup, a ``str`` that a template takes as it is; all others should get ``str`` of it.
    """
    from markupsafe import Markup

    return Markup(_templates().get_template(template).render(values))  # escaped inside


def joined(parts: Iterable[Markup]) -> Markup:
    """Several parts, one behind the other."""
    from markupsafe import Markup

    return Markup().join(parts)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("fingerprint_sdk", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
