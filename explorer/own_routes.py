"""Routes that the explorer's pages use themselves: a file that is uploaded, and a page's table as a file."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pharmagraph.explorer import files
from pharmagraph.explorer.access import add_writing
from pharmagraph.explorer.uploads import MOST_BYTES, UPLOADS, too_large
from pharmagraph.kg import table_file
from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    from flask import Flask, Response

PageAt = Callable[[str | None, str | None], Any]
"""Makes the page of a path and a query."""
TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def register(server: Flask, page_at: PageAt) -> None:
    """Add the routes to the explorer's server."""
    add_writing(server, "/upload", _upload)
    for ending in TYPES:
        server.add_url_rule(f"/table.{ending}", f"table.{ending}", _table(page_at, ending))


def _upload() -> tuple[Response, int]:
    from flask import jsonify, request

    name = unquote(request.headers.get("X-File-Name", ""))
    size = request.content_length
    if size is None:
        return jsonify({"error": "the length of the file is not told"}), 411
    if size > MOST_BYTES:
        return jsonify({"error": too_large(name, size)}), 413
    try:
        return jsonify({"file": UPLOADS.keep(name, request.get_data(cache=False))}), 200
    except InputError as error:
        return jsonify({"error": f"{error}"}), 400


def _table(page_at: PageAt, ending: str) -> Callable[[], Any]:
    def view() -> Any:
        from flask import jsonify, request, send_file

        of, name = urlsplit(request.args.get("of", "")), request.args.get("file", "")
        with files.collected() as found:
            page_at(of.path, of.query)
        if name not in found:
            return jsonify({"error": f'the page {of.path} has no table "{name}" now'}), 404
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"table.{ending}"
            table_file.write(path, [files.as_arrow(found[name])])
            content = BytesIO(path.read_bytes())
        return send_file(
            content, mimetype=TYPES[ending], as_attachment=True, download_name=f"{name}.{ending}"
        )

    return view
