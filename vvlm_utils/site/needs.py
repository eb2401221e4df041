"""Which files of the package a chapter, a module or a page rests on.

It is made again when one of them changes.

Modules are found by their imports, data and styles by their names.
"""

import ast
import re
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import nbformat

PACKAGE = Path(__file__).parents[1]
DOCUMENTED = re.compile(r"^\.\. auto\w+:: ([\w.]+)", re.MULTILINE)
DATA_SUBFOLDER = re.compile(r'DATA_FOLDER / "(\w+)"')  # what a module lists, not names


@cache  # chapters rest on the same modules
def _imports(source: str, inside: str) -> set[str]:
    """Name what a piece of Python imports; ``inside`` is the package that it stands in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = resolve_name("." * node.level + (node.module or ""), inside)
            names |= {f"{home}.{alias.name}" for alias in node.names}
    return names


@cache
def _handed_on(init: str) -> dict[str, str]:
    """Map the names that a package's face hands on lazily to the modules that they come from."""
    calls = (n for n in ast.walk(ast.parse(init)) if isinstance(n, ast.Call))
    tables = (k.value for call in calls for k in call.keywords if k.arg == "submod_attrs")
    modules = next(map(ast.literal_eval, tables), {})
    return {name: module for module, names in modules.items() for name in names}


def _module_files(name: str, package: Path) -> list[Path]:
    """Find the files that an import of ``name`` reads: a module, and the packages around it.

    Of a package that hands names on, the module that a name comes from; all of them where the
    package itself is imported.
    """
    top, *rest = name.split(".")
    if top != package.name:
        return []
    folders = [package.joinpath(*rest[:depth]) for depth in range(1, len(rest) + 1)]
    inits = [init for folder in folders if (init := folder / "__init__.py").is_file()]
    found = [*inits, *(path for f in folders if (path := f.with_suffix(".py")).is_file())]
    face = package / "__init__.py"
    if rest and not found and face.is_file():
        handed_on = _handed_on(face.read_text())
        if rest[0] in handed_on:
            return [face, *_module_files(f"{top}.{handed_on[rest[0]]}", package)]
    if inits:
        home, handed_on = inits[-1].parent, _handed_on(inits[-1].read_text())
        modules = handed_on.values() if home == folders[-1] else [handed_on.get(rest[-1])]
        places = [home / module for module in dict.fromkeys(modules) if module]
        choices = [path for p in places for path in (p.with_suffix(".py"), p / "__init__.py")]
        found += [path for path in choices if path.is_file()]
    return found


def _python_of(notebook: Path) -> str:
    if notebook.suffix == ".py":
        return notebook.read_text()
    cells = nbformat.read(notebook, as_version=4).cells
    lines = "\n".join(c.source for c in cells if c.cell_type == "code").splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def find_needs(notebook: Path, package: Path = PACKAGE) -> list[Path]:
    """Find the files of the package that a notebook, or a module run by itself, rests on.

    Modules by their imports, followed through the package, with the YAML files beside them; data
    and styles by their names, where the notebook or one of those modules mentions them, and all of
    a folder of data whose name is joined to ``DATA_FOLDER``. A chapter reruns when one changes.
    """
    texts, queue = {notebook: _python_of(notebook)}, [notebook]
    while queue:
        path = queue.pop()
        inside = ".".join(path.relative_to(package.parent).parent.parts) if path != notebook else ""
        for name in _imports(texts[path], inside):
            new = [module for module in _module_files(name, package) if module not in texts]
            texts |= {module: module.read_text() for module in new}
            queue += new
    everything = "\n".join(texts.values())
    kept = (package / "data").rglob("*.*")
    others = [*(path for path in kept if path.suffix != ".md"), *package.glob("*.mplstyle")]
    folders = {package / "data" / name for name in re.findall(DATA_SUBFOLDER, everything)}
    named = [path for path in others if path.name in everything or folders & {*path.parents}]
    packages = {path.parent for path in texts if path.name == "__init__.py"}
    beside = [path for folder in packages for path in folder.glob("*.yaml")]
    return sorted([*(path for path in texts if path != notebook), *named, *beside])


def find_documented(page: Path, package: Path = PACKAGE) -> list[Path]:
    """Find the files whose docstrings a page shows: it is compiled again when one changes."""
    names = re.findall(DOCUMENTED, page.read_text())
    return sorted({path for name in names for path in _module_files(name, package)})
