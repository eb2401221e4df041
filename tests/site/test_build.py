"""From notebooks to pages: the real graph and the real settings on a book of three pages."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml

from vvlm_utils.cost import equation as cost
from vvlm_utils.plots.phone import PHONE
from vvlm_utils.runs import schema
from vvlm_utils.site import build as book
from vvlm_utils.site.needs import find_documented, find_needs
from vvlm_utils.site.pages import number_tables, version_assets

ROOT = Path(__file__).parents[2]

TOC = """\
format: jb-book
root: book/notation
chapters:
  - file: notebooks/01_tiny
  - file: book/references
"""
TINY = [
    ("markdown", "(ch-tiny)=\n# Does a tiny chapter build?\n\nAs in {cite}`wang2025`."),
    ("parameters", "frames: int = 4  # frames per video, x_T"),
    ("markdown", "One equation.\n\n$$c(x) = 2 x_T (x_M x_W + x_N x_V)$$ (eq-tiny)"),
    ("code", "from myst_nb import glue\n\nfrom vvlm_utils.cost import paper_flops"),
    ("markdown", "One number: {glue:text}`tflops:s` TFLOPs by {eq}`eq-tiny`."),
    ("code", 'glue("tflops", f"{paper_flops(1e9, frames, 4) / 1e12:.1f}", display=False)'),
    ("markdown", "One wide table."),
    ("code", "import pandas as pd\n\npd.DataFrame([range(1000, 1030)])"),
]


def write_notebook(path: Path, sources: list[tuple[str, str]]) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for kind, source in sources:
        if kind == "markdown":
            notebook.cells.append(nbformat.v4.new_markdown_cell(source))
        else:
            tags = {"tags": [kind]} if kind == "parameters" else {}
            notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=tags))
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def make_tiny(root: Path) -> Path:
    """Copy the real house around one tiny chapter."""
    root.mkdir(exist_ok=True)
    for name in ("Snakefile", "_config.yml", "requirements/analysis.txt", "book/references.md"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "rules", root / "rules")
    shutil.copy(ROOT / "book" / "references.bib", root / "book")
    shutil.copytree(ROOT / "book" / "assets", root / "book" / "assets")
    skip = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(ROOT / "vvlm_utils", root / "vvlm_utils", ignore=skip)
    (root / "_toc.yml").write_text(TOC)
    glued = "It costs {glue:text}`../notebooks/01_tiny.ipynb::tflops:s` TFLOPs, see {ref}`ch-tiny`."
    notation = (ROOT / "book" / "notation.md").read_text()
    (root / "book" / "notation.md").write_text(f"{notation}\n{glued}\n")
    write_notebook(root / "notebooks" / "01_tiny.ipynb", TINY)
    return root


def snakemake(
    root: Path, target: str = "_build/site.done", *options: str
) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", "2", "--nolock"]
    return subprocess.run(
        [*command, *options, target], cwd=root, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    root = make_tiny(tmp_path_factory.mktemp("tiny"))
    done = snakemake(root)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


CHAPTER, SITE = "_build/executed/01_tiny.ipynb", "_build/site.done"


def rebuilds(root: Path, target: str = SITE) -> set[str]:
    """Run the graph again; say what it made anew."""
    before = {name: (root / name).stat().st_mtime for name in (CHAPTER, SITE)}
    done = snakemake(root, target)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name for name, time in before.items() if (root / name).stat().st_mtime > time}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


# The tests below share one book and change it in turn; the last leaves it broken.


def test_numbers_cross_pages(tiny):
    page = (tiny / "_build/html/book/notation.html").read_text()
    assert '<span class="pasted-text">2.7</span>' in page


SITES: dict[str, Callable[[Path], Path]] = {
    "tiny": lambda tiny: tiny / "_build/html",
    "whole": lambda tiny: ROOT / "_build/html",
}
WHICH = ["tiny", pytest.param("whole", marks=pytest.mark.book)]


@pytest.mark.parametrize("which", WHICH)
def test_every_script_and_style_has_a_version(tiny, which):
    site = SITES[which](tiny)
    if not site.exists():
        pytest.skip("the whole book is not built: make book")
    pages = [site / "search.html", *site.glob("book/*.html"), *site.glob("notebooks/*.html")]
    for page in pages:
        local = re.findall(r'(?:src|href)="([^":]+\.(?:js|css)\b[^"]*)"', page.read_text())
        bare = [link for link in local if not re.search(r"\?(v|digest)=\w{8,}$", link)]
        assert local and bare == [], page.name


def test_a_version_changes_with_the_content_and_only_then(tmp_path):
    (tmp_path / "a.js").write_text("1")
    html = '<script defer src="a.js"></script><link rel="stylesheet" href="a.js?v=0" />'
    first = version_assets(html, tmp_path)
    assert re.fullmatch(html.replace("?", r"\?").replace('"a.js"', r'"a\.js\?v=\w{8}"'), first)
    assert version_assets(first, tmp_path) == first
    (tmp_path / "a.js").write_text("2")
    assert version_assets(html, tmp_path) != first


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/a.js"></script>',
        '<script src="missing.js"></script>',
        '<a href="a.js">the script</a>',
        "<code>&lt;script src=&quot;a.js&quot;&gt;</code>",
    ],
)
def test_what_is_no_file_of_the_site_gets_no_version(tmp_path, html):
    (tmp_path / "a.js").write_text("1")
    assert version_assets(html, tmp_path) == html


def test_code_a_chapter_does_not_use_leaves_everything_alone(tiny):
    append(tiny / "vvlm_utils/laws/forms.py", "\n# one more remark\n")
    assert rebuilds(tiny) == set()


def test_code_a_chapter_rests_on_reruns_it(tiny):
    append(tiny / "vvlm_utils/cost/equation.py", "\n# one more remark\n")
    assert rebuilds(tiny, CHAPTER) == {CHAPTER}


def test_prose_reruns_no_chapter(tiny):
    append(tiny / "book/references.md", "\nOne more sentence.\n")
    assert rebuilds(tiny) == {SITE}


def test_a_warning_stops_the_build_and_keeps_the_old_site(tiny):
    append(tiny / "book/references.md", "\n{ref}`no-such-label`\n")
    done = snakemake(tiny)
    assert done.returncode != 0
    assert "no-such-label" in done.stdout
    assert not (tiny / SITE).exists()
    assert (tiny / "_build/html/index.html").exists()


def test_failing_chapter_leaves_nothing(tmp_path):
    root = make_tiny(tmp_path)
    write_notebook(root / "notebooks/01_tiny.ipynb", [*TINY, ("code", "1 / 0")])
    done = snakemake(root, CHAPTER)
    assert done.returncode != 0
    assert "01_tiny: failed" in done.stderr and "ZeroDivisionError" in done.stderr
    assert list(root.glob("_build/executed/*")) == []


@pytest.mark.long
def test_a_build_killed_at_random_moments_ends_in_the_same_site(tmp_path):
    calm, cut = (make_tiny(tmp_path / name) for name in ("calm", "cut"))
    start, seed = time.monotonic(), time.time_ns()
    assert snakemake(calm).returncode == 0
    took = time.monotonic() - start
    print(f"seed {seed}")
    rng = random.Random(seed)
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", "2", "--nolock"]
    for _ in range(8):
        build = subprocess.Popen(
            [*command, "--rerun-incomplete", SITE],
            cwd=cut, env=os.environ | {"TMPDIR": str(tmp_path)}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            build.wait(rng.uniform(1, took))
        except subprocess.TimeoutExpired:
            os.killpg(build.pid, signal.SIGKILL)
            build.wait()
    assert snakemake(cut, SITE, "--rerun-incomplete").returncode == 0
    assert not list(cut.rglob(".*.part*"))
    sites = [root / "_build" / "html" for root in (calm, cut)]
    pages = [{p.relative_to(s): p.read_bytes() for p in s.rglob("*.html")} for s in sites]
    assert pages[0] == pages[1]


def test_chapter_that_leaves_early_is_a_failure(tmp_path):
    write_notebook(tmp_path / "a.ipynb", [("code", "import sys\n\nsys.exit(0)")])
    with pytest.raises(RuntimeError, match="traceback"):
        book.execute(tmp_path / "a.ipynb", tmp_path / "out" / "a.ipynb")
    assert list(tmp_path.glob("out/*")) == []


def test_needs_follow_imports_and_names(tmp_path):
    package = tmp_path / "vvlm_utils"
    files = {
        "__init__.py": "",
        "cost.py": "",
        "runs.py": "from vvlm_utils.cost import FACTORS\nTABLE = 'paper.csv'\n"
        'LISTED = DATA_FOLDER / "sweeps"',
        "laws.py": "from . import cost",
        "plots/__init__.py": "from .style import COLORS",
        "plots/style.py": "STYLE = 'book.mplstyle'",
        "plots/runs.py": "import vvlm_utils.cost",
        "book.mplstyle": "",
        "data/paper.csv": "",
        "data/other.csv": "",
        "data/sweeps/a/runs.csv": "",
        "data/weights/a.bin": "",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    source = "%matplotlib inline\nfrom vvlm_utils import runs\nfrom vvlm_utils.plots import COLORS"
    write_notebook(tmp_path / "a.ipynb", [("code", source)])
    found = [str(p.relative_to(package)) for p in find_needs(tmp_path / "a.ipynb", package)]
    assert found == [
        "book.mplstyle",
        "cost.py",
        "data/paper.csv",
        "data/sweeps/a/runs.csv",
        "plots/__init__.py",
        "plots/style.py",
        "runs.py",
    ]


def test_tables_with_a_caption_are_numbered_by_chapter():
    table = '<table class="dataframe vvlm-table">\n<caption>what it says</caption></table>'
    bare = '<table class="dataframe vvlm-table"></table>'
    page = number_tables(table + bare + table, "06_laws")
    assert [w in page for w in ("Table 6.1. </span>what", "Table 6.2. ", "Table 6.3")] == [1, 1, 0]
    assert "Table 1. " in number_tables(table, "claims")


def test_missing_front_figure_is_named(tmp_path):
    write_notebook(tmp_path / "a.ipynb", TINY)
    with pytest.raises(ValueError, match="'fig-frontier'"):
        book.extract_figure(tmp_path / "a.ipynb", "fig-frontier")


@pytest.mark.parametrize("kind", ["image/svg+xml", PHONE])
def test_a_drawing_is_taken_as_text(tmp_path, kind):
    figure = {"mystnb": {"figure": {"name": "fig-a"}}}
    cell = nbformat.v4.new_code_cell("plot()", metadata=figure)
    cell.outputs = [nbformat.v4.new_output("display_data", data={kind: "<svg/>"})]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    assert book.extract_figure(tmp_path / "a.ipynb", "fig-a", kind) == b"<svg/>"


def test_a_module_run_by_itself_has_needs_too(tmp_path):
    package = tmp_path / "vvlm_utils"
    package.mkdir()
    (package / "cost.py").write_text("")
    (package / "allocator.py").write_text("from vvlm_utils.cost import FACTORS")
    assert find_needs(package / "allocator.py", package) == [package / "cost.py"]


def test_only_what_passed_the_check_is_published_and_only_on_a_tag():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    assert {"run": ".ci/run"} in jobs["check"]["steps"]
    publish = jobs["publish"]
    assert set(publish["needs"]) == {"check", "analysis"} and "refs/tags/" in publish["if"]
    assert {"run": "make test-analysis"} in jobs["analysis"]["steps"]
    kept = [s["with"]["path"] for s in jobs["check"]["steps"] if "path" in s.get("with", {})]
    assert {"_build/html", "_build/screenshots"} <= set(kept)


def test_notation_names_every_factor_and_column():
    notation = (ROOT / "book" / "notation.md").read_text()
    names = [*cost.FACTORS, *schema.RUNS_SCHEMA.columns]
    assert [name for name in names if f"`{name}`" not in notation] == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1400, 390], ids=["wide", "narrow"])
@pytest.mark.parametrize("which", WHICH)
def test_pages_stand_alone_and_fit_the_screen(tiny, browser, which, width):
    site = SITES[which](tiny)
    if not site.exists():
        pytest.skip("the whole book is not built: make book")
    faults = []
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda r: faults.append(r.url) if r.url.startswith("http") else None)
    pages = [*site.glob("book/*.html"), *site.glob("notebooks/*.html")]
    assert pages
    for page in pages:
        tab.goto(page.as_uri())
        tab.wait_for_function("!document.querySelector('[aria-busy=true]')")
        if tab.locator(".math").count():
            tab.wait_for_selector("mjx-container svg", state="attached", timeout=10_000)
            assert tab.locator("mjx-merror").count() == 0, page.name
        excess = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert tab.evaluate(excess) <= 0, f"{page.name} scrolls sideways"
    tab.close()
    assert faults == []


def test_a_name_that_a_package_hands_on_needs_its_module_alone(tmp_path):
    package = tmp_path / "vvlm_utils"
    (package / "cost").mkdir(parents=True)
    face = "attach(__name__, submod_attrs={'equation': ['FACTORS'], 'serving': ['serve']})"
    (package / "cost" / "__init__.py").write_text(face)
    for name in ("equation", "serving"):
        (package / "cost" / f"{name}.py").write_text("")
    notebook = tmp_path / "a.ipynb"

    def needs(source):
        write_notebook(notebook, [("code", source)])
        return [p.name for p in find_needs(notebook, package)]

    assert needs("from vvlm_utils.cost import FACTORS") == ["__init__.py", "equation.py"]
    assert needs("from vvlm_utils import cost") == ["__init__.py", "equation.py", "serving.py"]
    (package / "cost" / "serving.py").unlink()  # a package of its own now, with data beside it
    (package / "cost" / "serving").mkdir()
    for name in ("__init__.py", "models.yaml"):
        (package / "cost" / "serving" / name).touch()
    found = needs("from vvlm_utils.cost import serve")
    assert found == ["__init__.py", "__init__.py", "models.yaml"]


def test_a_page_rests_on_the_modules_whose_docstrings_it_shows(tmp_path):
    package = tmp_path / "vvlm_utils"
    (package / "cost").mkdir(parents=True)
    (package / "__init__.py").write_text("attach(__name__, submod_attrs={'cost.price': ['Price']})")
    for name in ("__init__", "price", "equation"):
        (package / "cost" / f"{name}.py").write_text("")
    page = tmp_path / "api.md"

    def needs(name):
        page.write_text(f"```{{eval-rst}}\n.. autofunction:: vvlm_utils.{name}\n```\n")
        found = find_documented(page, package)
        return [path.relative_to(package).as_posix() for path in found]

    assert needs("Price") == ["__init__.py", "cost/__init__.py", "cost/price.py"]
    assert needs("cost.equation.Cost") == ["cost/__init__.py", "cost/equation.py"]
