"""Writing an SDK: the files that its language's module makes of the API, put into a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from sdk import golang, java, php, python, typescript
from sdk.document import Api

LANGUAGES: dict[str, Callable[[Api], dict[str, str]]] = {
    "python": python.files,
    "typescript": typescript.files,
    "java": java.files,
    "go": golang.files,
    "php": php.files,
}
"""Each gives the text of every file by its path."""


def write(api: Api, language: str, folder: Path) -> Path:
    """The SDK of one language, in place of what stood in ``folder`` under the same names."""
    for name, text in LANGUAGES[language](api).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"\n{4,}", "\n\n\n", text).rstrip() + "\n", "utf-8")
    return folder
