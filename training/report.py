"""The curves of training runs on one page: as an image, or as a page for a browser with every setting."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from training.report_page import draw
from training.run_facts import HEADINGS, Run, facts, title
from training.run_folder import RunError

FORMATS: Final = (".png", ".svg", ".html")
DOTS_PER_INCH: Final = 150


def write_report(runs: Sequence[Run], path: Path) -> None:
    """Draw the runs on one page, `.png`, `.svg` or `.html` by its name. Raises RunError for another one."""
    if path.suffix.lower() not in FORMATS:
        raise RunError(f"cannot write {path}: name a file that ends in {', '.join(FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".html":
        image = io.BytesIO()
        draw(runs, with_table=False).savefig(image, format="svg")
        page = html_page(runs, base64.b64encode(image.getvalue()).decode())
        path.write_text(page, encoding="utf-8")
    else:
        draw(runs).savefig(path, dpi=DOTS_PER_INCH)


def html_page(runs: Sequence[Run], svg: str) -> str:
    """A page of its own: the curves (base64 of an SVG), a table, and every setting of every run."""
    heads = "".join(f"<th>{html.escape(heading)}</th>" for heading in HEADINGS)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in facts(run))}</tr>\n" for run in runs)
    settings = "".join(
        f"<details><summary>settings of {html.escape(run.name)}</summary>"
        f"<pre>{html.escape(yaml.safe_dump(run.settings, sort_keys=False))}</pre></details>\n"
        for run in runs
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{html.escape(title(runs))}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1300px; margin: 1rem auto; padding: 0 1rem; }}
img {{ width: 100%; }}
table {{ border-collapse: collapse; width: 100%; font-size: 13px; }}
th {{ color: #777; font-weight: normal; }}
th, td {{ text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #e4e4e4; }}
details {{ margin-top: 0.75rem; }}
</style>
</head>
<body>
<img src="data:image/svg+xml;base64,{svg}" alt="Curves of {html.escape(title(runs))}">
<table>
<tr>{heads}</tr>
{rows}</table>
{settings}</body>
</html>
"""
