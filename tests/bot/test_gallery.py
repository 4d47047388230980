"""The page for reviewers holds every window and every text, and needs nothing but itself."""

import re
from html import escape
from pathlib import Path

from bot.gallery import write_gallery
from bot.preview import list_windows
from locales.catalogue import load_catalogue


def test_the_gallery_shows_every_window_and_every_text(tmp_path: Path) -> None:
    page = write_gallery(tmp_path / "gallery").read_text(encoding="utf-8")
    for _, state in list_windows():
        assert f"<h2>{str(state.state).replace(':', '.')} <span>" in page
    catalogue = load_catalogue()
    for language, context, key in list(catalogue.keys()):
        words = (
            escape(catalogue.template(key, language, context))
            .replace("&quot;", "&#34;")
            .replace("&#x27;", "&#39;")
        )
        assert words in page


def test_the_gallery_needs_no_network(tmp_path: Path) -> None:
    page = write_gallery(tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)|url\(|@import|<script""", page)
