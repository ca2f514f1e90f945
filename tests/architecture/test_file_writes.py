"""Files are written in two ways: authlens's own by `private_file`, those of others by `user_file`.

A scan of both packages: no other module opens a file to write, makes a directory or a link, or renames one.
What a path leads to is then decided in one place for each.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

WRITERS: Final = {
    "authlens_core/state/private_file.py": "authlens's own files, in directories that only you can write to",
    "authlens_core/state/paths.py": "the directory of these files",
    "authlens_core/state/user_file.py": "files of others: their new content beside them, and directories",
    "authlens_core/desk/settings.py": "the directory of config.toml, which is yours",
    "authlens_tui/terminal/ordinary_screen.py": "what an editor shows, masked, in a file only you can read",
}
"""Every module that writes, and what."""

CALLS: Final = frozenset(
    {
        *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "hardlink_to", "mkfifo"),
        *("mkstemp", "NamedTemporaryFile", "TemporaryFile", "copyfile", "copytree", "copy2", "renames"),
    }
)
"""Functions and methods that write, wherever they are from."""

FUNCTIONS: Final = frozenset(
    {
        "os.rename",
        "os.replace",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.mknod",
        "shutil.move",
        "shutil.copy",
    }
)
"""Functions that write; methods of other things have the same names."""

FLAGS: Final = frozenset({"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"})


def _is_device(node: ast.AST) -> bool:
    """Say whether this opens the terminal, or the device that swallows everything."""
    if not isinstance(node, ast.Call | ast.Tuple):
        return False
    parts = node.args if isinstance(node, ast.Call) else node.elts
    return any(ast.unparse(part) in ("os.devnull", "'/dev/tty'") for part in parts)


def _opens_to_write(call: ast.Call, name: str) -> bool:
    """Say whether a file is opened with a mode that writes, or with one that is not in the source."""
    is_function = isinstance(call.func, ast.Name)
    place = 1 if is_function else 0
    modes = [one.value for one in call.keywords if one.arg == "mode"] or call.args[place : place + 1]
    if name != "open" or not modes:
        return False
    if not isinstance(modes[0], ast.Constant):
        return is_function
    return re.fullmatch(r"(?=.*[wxa+])[rwxabt+]{1,3}", str(modes[0].value)) is not None


def _writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in FLAGS
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    # `replace` of a text has two arguments, that of a dataclass names the fields.
    renames = name in ("rename", "replace") and len(node.args) == 1 and not node.keywords
    return name in CALLS or ast.unparse(node.func) in FUNCTIONS or renames or _opens_to_write(node, name)


def writes(nodes: Iterable[ast.AST]) -> Iterator[int]:
    known = tuple(nodes)
    devices = {id(part) for one in known if _is_device(one) for part in ast.walk(one)}
    yield from (getattr(one, "lineno", 0) for one in known if id(one) not in devices and _writes(one))


def test_only_these_modules_write_files() -> None:
    """A new one has to say why neither writer will do; one that writes no longer leaves the list."""
    lines = {source.name: list(writes(source.nodes)) for source in sources_of_product()}
    others = {name: numbers for name, numbers in lines.items() if numbers and name not in WRITERS}
    assert others == {}, "write with private_file or user_file, or add the module to WRITERS with the reason"
    assert [name for name in WRITERS if not lines.get(name)] == [], "take these off WRITERS"
