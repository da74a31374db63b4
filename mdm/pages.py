"""Self-contained pages of reports: a page's dataclass and its template -> HTML, and how numbers are written in it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from mdm.errors import BadInput


def write_page(html: str, path: Path) -> Path:
    """The path of the written page. Raises BadInput when it cannot be written."""
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write the page {path}: {error.strerror}; choose another place with --html") from error
    return path


def render(template: str, page: object) -> str:
    """The HTML of a template, which sees the page and nothing else."""
    return _environment().get_template(template).render(page=page)


def _environment() -> Environment:
    """Templates of this package: data is escaped, a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("mdm"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"percent": percent_text, "count": count_text}
    return made


def percent_text(share: float | None) -> str:
    """`99.3 %`; a share near an end is never rounded to it: neither all nor nothing is claimed when it is not so."""
    if share is None:
        return "–"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


def count_text(count: int | None) -> str:
    """Thousands separated, a dash for what is not known."""
    return "–" if count is None else f"{count:,}"
