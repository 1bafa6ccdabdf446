"""What may enter a page: HTML and SVG reduced to an allow-list, text escaped.

Everything that a notebook displayed passes here. HTML goes through nh3 (no script, style, frame,
form, handler or address; of fields only the choice among orders of a table); SVG is read as XML and
written again element by element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from xml.etree import ElementTree

import nh3

from cxlab.reporting.colours import LIGHT

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details",
    "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "input", "ins", "kbd", "label", "legend", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
    "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "title", "lang", "dir", "role", "aria-label", "tabindex"},
    "a": {"href"},
    "img": {"src", "alt"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "input": {"type", "name", "checked"},
}
_CLASS = re.compile(r"(cx-(?!slot)[a-z0-9-]+|dataframe)")
_CHOICE = {
    "type": re.compile("radio"), "name": re.compile(r"cx-sort-[a-z0-9-]+"),
    "checked": re.compile("(checked)?"), "class": re.compile(r"cx-by\d"),
}  # fmt: skip
_FIELD = re.compile(r"<input(?![^<>]* type=\"radio\")[^<>]*>")  # none of its values has a bracket
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_LOGO = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+")

SHAPES = {
    "svg", "g", "path", "text", "tspan", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "defs", "clipPath", "use", "pattern",
}  # fmt: skip
SHAPE_ATTRIBUTES = {
    "viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "d",
    "points", "transform", "clip-path", "id", "patternUnits", "fill", "stroke", "opacity",
}  # fmt: skip
MEASURES = SHAPE_ATTRIBUTES - {"viewBox", "clip-path", "id", "patternUnits", "fill", "stroke", "opacity"}
PROPERTIES = {
    "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "font",
    "font-size", "font-weight", "font-style", "text-anchor", "fill-rule", "clip-rule",
}  # fmt: skip
_LONG = re.compile(r"-?\d+\.\d{3,}(?![\d.]*[eE])")
_STEP = re.compile(r"\s*([A-Za-z])\s+|\s+(?=[A-Za-z])|\s+$")  # blanks around the letters of a path
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_UNTURNED = re.compile(r"rotate\(-?0(\.0+)?( [-\d.]+){0,2}\)")
_PLAIN_VALUE = re.compile(r"[\w\s.,%#()+'\"-]*")
_OWN_REFERENCE = re.compile(r"url\(#[\w-]+\)|#[\w-]+")
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_TOKENS = {colour: f"var(--{name.replace('_', '-')}, {colour})" for name, colour in LIGHT.items()}


def html(text: str) -> str:
    """Return `text` with the allowed elements only; nothing in it runs, styles the page or leaves it.

    Examples
    --------
    >>> html('<p onclick="x()">a<script>b</script><img src=x onerror=y></p>')
    '<p>a<img></p>'
    """
    cleaned = nh3.clean(
        text.encode("utf-8", "replace").decode("utf-8"),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"data"},
        link_rel=None,
        clean_content_tags={
            "script",
            "style",
            "iframe",
            "object",
            "svg",
            "math",
            "template",
            "title",
            "noscript",
        },
    )
    return _FIELD.sub("", cleaned)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "input":  # a choice among orders of a table, nothing that one could write in
        return value if name in _CHOICE and _CHOICE[name].fullmatch(value) else None
    if name == "class":
        kept = [c for c in value.split() if _CLASS.fullmatch(c)]
        return " ".join(kept) or None
    if name == "src":
        return value if tag == "img" and _IMAGE.fullmatch(value) else None
    if name == "href":
        return value if re.fullmatch(r"#[\w-]*", value) else None
    return value


def logo(uri: str) -> str:
    """Return a logo's data: URI, or nothing if it is something else.

    Examples
    --------
    >>> logo("data:image/png;base64,aGVsbG8="), logo("https://example.org/x.png")
    ('data:image/png;base64,aGVsbG8=', '')
    """
    return uri if _LOGO.fullmatch(uri) else ""


@lru_cache(maxsize=256)  # a gallery is made again with each entry that ends
def svg(drawing: str, *, name: str, alt: str) -> str:
    """Return a drawing as inline SVG: allowed shapes only, colours as the page's variables, ids its own.

    Parameters
    ----------
    drawing : str
        SVG text; one with a document type, or that is not XML, gives nothing.
    name : str
        Put before every id, so that two figures of a page do not share them.
    alt : str
        Its alternative text.

    Examples
    --------
    >>> drawn = '<svg viewBox="0 0 9 9"><script>x</script><path d="M0 0" onload="y"/></svg>'
    >>> svg(drawn, name="f1", alt="a < b")
    '<svg viewBox="0 0 9 9" role="img" aria-label="a &lt; b"><path d="M0 0"></path></svg>'
    """
    if not drawing or "<!DOCTYPE" in drawing or "<!ENTITY" in drawing:
        return ""
    try:
        root = ElementTree.fromstring(drawing)
    except ElementTree.ParseError:
        return ""
    if _local(root.tag) != "svg":
        return ""
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", drawing))
    return _element(root, {i: f"{name}-{i}" for i in used}, alt)


def _element(node: ElementTree.Element, ids: Mapping[str, str], alt: str = "") -> str:
    tag = _local(node.tag)
    if tag not in SHAPES:
        return ""
    attributes = [
        (k, v) for k, v in _shape_attributes(node, ids) if not (tag == "svg" and k in ("width", "height"))
    ]
    if tag == "svg":
        attributes += [("role", "img"), ("aria-label", alt)] if alt else [("aria-hidden", "true")]
    written = "".join(f' {k}="{escape(v)}"' for k, v in attributes)
    inside = escape(node.text or "", quote=False) if tag in ("text", "tspan") else ""
    inside += "".join(
        _element(child, ids) + (escape(child.tail or "", quote=False) if tag == "text" else "")
        for child in node
    )
    return (
        f"<{tag}{written}>{inside}</{tag}>" if written or tag != "g" else inside
    )  # a bare group adds nothing


def _shape_attributes(node: ElementTree.Element, ids: Mapping[str, str]) -> list[tuple[str, str]]:
    kept = []
    for key, value in node.attrib.items():
        if key in (_LINK, "href"):
            target = value.removeprefix("#")
            if value.startswith("#") and target in ids:
                kept.append(("href", f"#{ids[target]}"))
        elif key == "style":
            kept.append(("style", _style(value, ids)))
        elif key == "id":
            if value in ids:
                kept.append(("id", ids[value]))
        elif key in SHAPE_ATTRIBUTES and (plain := _value(value, ids)) is not None:
            plain = _shorter(plain) if key in MEASURES else plain
            kept.append((key, _straight(_STEP.sub(r"\1", plain)) if key == "d" else plain))
    return [(k, v) for k, v in kept if v]


def _shorter(value: str) -> str:
    """Return lengths without the decimals that nobody sees; a factor (scale, matrix) is left as it is.

    Examples
    --------
    >>> _shorter("M 121.073641 0.123456"), _shorter("rotate(-0 12.5 378.958008)")
    ('M 121.07 0.1235', '')
    >>> _shorter("scale(0.001234567)")
    'scale(0.001234567)'
    """
    if "scale" in value or "matrix" in value or "skew" in value:
        return value
    return "" if _UNTURNED.fullmatch(value) else _LONG.sub(_rounded, value)


def _straight(path: str) -> str:
    """Write the lines of a path that go along one axis, as those of steps do, with one number.

    Examples
    --------
    >>> _straight("M1 2L5 2L5 7L6 8z")
    'M1 2H5V7L6 8z'
    """
    written: list[str] = []
    at: tuple[str, ...] = ()
    for letter, rest in _COMMAND.findall(path):
        to = tuple(rest.split())
        known = letter == "L" and len(to) == len(at) == 2
        if known and to[1] == at[1]:
            if to[0] != at[0] or written[-1][0] == "M":
                written.append(f"H{to[0]}")
        else:
            written.append(f"V{to[1]}" if known and to[0] == at[0] else letter + rest)
        at = to if letter in "ML" and len(to) == 2 else ()
    return "".join(written) or path


def _rounded(number: re.Match[str]) -> str:
    value = float(number[0])
    return f"{value:.{2 if abs(value) >= 10 else 4}f}".rstrip("0").rstrip(".")


def _style(style: str, ids: Mapping[str, str]) -> str:
    kept = []
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        plain = _value(value, ids)
        if name in PROPERTIES and plain:
            kept.append(f"{name}: {_sized(plain) if name == 'font' else plain}")
    return "; ".join(kept)


def _value(value: str, ids: Mapping[str, str]) -> str | None:
    reference = re.fullmatch(r"url\(#([\w-]+)\)", value)
    if reference:
        return f"url(#{ids[reference[1]]})" if reference[1] in ids else None
    if value.lower() in _TOKENS:
        return _TOKENS[value.lower()]
    return value if _PLAIN_VALUE.fullmatch(value) and "url" not in value.lower() else None


def _sized(font: str) -> str:
    """Keep size and weight of a font; the family is the page's."""
    return re.sub(r"(\d+(?:\.\d+)?px).*", r"\1 var(--font)", font)


def _local(tag: object) -> str:
    return str(tag).removeprefix(_SVG)
