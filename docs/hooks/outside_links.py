"""Links to files outside of the documentation: on the site, which lacks those files, words stay without a link."""

import re
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Return a page's text as the site shows it.

    Args:
        markdown: The page's text.
        page: The page.
        config: The site's configuration.
        files: Everything that the site has.
    """
    depth = page.file.src_uri.count("/")

    def shown(link: re.Match[str]) -> str:
        return link[1] if link[2].count("../") > depth else link[0]

    return _LINK.sub(shown, markdown)
