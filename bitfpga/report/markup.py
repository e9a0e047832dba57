"""HTML and SVG as trees: every text and attribute is escaped where the tree is written out."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

__all__ = ["Element", "element", "html_text", "percent", "visible"]


def visible(text: str) -> str:
    """Return ``text`` with what cannot be seen (controls, lone surrogates, marks of direction) as
    escapes such as ``\\x1b``, so that a name can neither hide nor turn round what follows it."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def element(tag: str, attributes: dict[str, str], *children: Element | str) -> Element:
    """Return the element of these attributes and, in their order, texts and elements inside."""
    made = Element(tag, {name: visible(value) for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + visible(child)
        else:
            last.tail = (last.tail or "") + visible(child)
    return made


def html_text(root: Element) -> str:
    """Return the HTML of a tree."""
    return tostring(root, encoding="unicode", method="html")


def percent(share: float) -> str:
    """Return a share (1 is all) as a length of CSS or SVG, such as ``12.5%``."""
    return f"{round(100 * share, 3):g}%"
