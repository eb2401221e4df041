"""The published sweeps that come with the package."""

from __future__ import annotations

from vvlm_utils.cli.common import app, show
from vvlm_utils.cli.options import Json


@app.command()
def sources(as_json: Json = False) -> None:
    """List the published sweeps, which a command takes by name, and whose numbers they are.

    Example: vvlm sources --json
    """
    from vvlm_utils.runs.sources import list_sources, read_source

    listed = []
    for name in list_sources():
        source = read_source(name)
        whose = {"title": source.title, "authors": source.authors, "year": source.year}
        more = {"url": source.url, "licence": source.licence, "measured": source.measured}
        listed.append({"name": name} | whose | (more if as_json else {"url": source.url}))
    show(listed, as_json)
