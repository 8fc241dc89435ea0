"""Pages are templates filled in: whatever a value holds is escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, /, **values: object) -> Markup:
    """Fill in a file of `trainer/experiments/templates`.

    Every value is escaped but what `render` gave itself, so that names of folders, models and
    commands stay text. A value that a template asks for and that is missing is an error.

    Returns:
        Markup, which a template takes as it is.
    """
    from markupsafe import Markup

    return Markup(_templates().get_template(template).render(values))  # escaped inside


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("trainer.experiments"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
