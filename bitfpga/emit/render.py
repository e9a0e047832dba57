"""The one Jinja environment: strict, thin, with filters that refuse what is not a plain name."""

from __future__ import annotations

import re
from typing import Any

import jinja2

from bitfpga.errors import ProjectError
from bitfpga.paths import templates_dir

BANNER = "Written by bitfpga; edit the network or the library, not this file."
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/+-]+")
_FLAGS = re.compile(r"[A-Za-z0-9_.:/+=, -]*")


def cpp_name(value: str) -> str:
    """Return ``value`` if it can stand as a C++ identifier, else raise ``ProjectError``."""
    if not _IDENTIFIER.fullmatch(value):
        raise ProjectError(f"{value[:60]!r} is not a C++ identifier")
    return value


def plain_word(value: Any) -> str:
    """Return ``value`` as text if it holds no space, quote or control character."""
    text = str(value)
    if not _PLAIN.fullmatch(text):
        raise ProjectError(f"{text[:60]!r} cannot stand in a settings file")
    return text


def tcl_text(value: str) -> str:
    """Return compiler flags as one word of Tcl, or raise ``ProjectError`` at other characters."""
    if not _FLAGS.fullmatch(value):
        raise ProjectError(f"{value[:60]!r} cannot stand in a Tcl script")
    return f"{{{value}}}"


def render(template: str, **values: Any) -> bytes:
    """Return ``templates/<template>`` filled with ``values``; a missing value is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["cpp_name"] = cpp_name
    environment.filters["plain_word"] = plain_word
    environment.filters["tcl_text"] = tcl_text
    return environment.get_template(template).render(**values).encode()
