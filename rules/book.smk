# The book: chapters run by papermill, the allocator's data, and the site that they are compiled to.
from functools import cache

from vvlm_utils.site import archive, build as book, needs as files
from vvlm_utils.site.reruns import list_variants, read_matrix

PACKAGE = Path("vvlm_utils")
CHAPTERS = book.list_chapters(Path("_toc.yml"))
PAGE, DATA = book.ALLOCATOR
OFFER, CODE = book.CODE
DOWNLOADS = [f"_build/{CODE}"] if OFFER in book.list_pages(Path("_toc.yml")) else []
ALLOCATOR = [f"_build/{DATA}"] if PAGE in book.list_pages(Path("_toc.yml")) else []
COMPUTES = {book.ENGINE[0], PAGE} & {*book.list_pages(Path("_toc.yml"))}
VARIANTS = list_variants()  # 07_frontier.released


@cache  # every setting of a chapter asks
def chapter_rests_on(chapter):
    notebook = Path(f"notebooks/{chapter}.ipynb")
    rests_on = files.find_needs(notebook, PACKAGE) if notebook.exists() else []
    return [notebook, *rests_on, "requirements/analysis.txt"]


def needs(wildcards):
    return chapter_rests_on(wildcards.chapter)


# `make book LIVE=1` trains: chapter 3 leaves a model, which chapter 4 evaluates.
LIVE = {"03_finetune", "04_evaluate"} if config.get("live") else set()


def after(wildcards, place):
    trains = wildcards.chapter == "04_evaluate" and (LIVE or "variant" in wildcards.keys())
    return [place.format("03_finetune")] if trains else []


def chapter_needs(wildcards):
    found = {"needs": needs(wildcards), "after": after(wildcards, "_build/executed/{}.ipynb")}
    if wildcards.chapter in LIVE:
        found["parameters"] = f"params/{wildcards.chapter}.live.yml"
    return found


def needs_of(module):
    """A module of the site that writes a script for a page, and what it rests on."""
    path = PACKAGE / "site" / f"{module}.py"
    return [path, *files.find_needs(path, PACKAGE)]


# Chapters run side by side, each on the threads its rule states.
BOOK = f"{PYTHON} -m vvlm_utils.site.build"
THREADS = "NUMBA_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads} OMP_NUM_THREADS={threads}"


rule site:
    input:
        chapters=expand("_build/executed/{chapter}.ipynb", chapter=CHAPTERS),
        allocator=ALLOCATOR,
        downloads=DOWNLOADS,
        prose=[path for path in Path("book").rglob("*") if path.is_file()],
        docstrings=[f for page in Path("book").glob("*.md") for f in files.find_documented(page, PACKAGE)],
        shared=list((PACKAGE / "assets").iterdir()),
        engine=needs_of("engine") if COMPUTES else [],
        slides=needs_of("slides") if book.SLIDES[0] in book.list_pages(Path("_toc.yml")) else [],
        settings=["_config.yml", "_toc.yml"],
    output:
        touch("_build/site.done"),
    shell:
        BOOK + " site _build/executed _build/source _build/html"


rule student:  # the same book without its solutions
    input:
        rules.site.input,
    output:
        touch("_build/student/site.done"),
    shell:
        PYTHON + " -m vvlm_utils.site.editions _build/executed _build/student"


rule ebook:  # the same chapters in one file, to read without a network
    input:
        rules.site.input,
        needs_of("ebook"),
    output:
        "_build/vvlm-book.epub",
    shell:
        PYTHON + " -m vvlm_utils.site.ebook _build/executed _build/epub {output}"


rule slides:  # the main figures, each with what it shows
    input:
        rules.site.input,
        needs_of("slides"),
    output:
        "_build/slides.html",
    shell:
        PYTHON + " -m vvlm_utils.site.slides _build/executed {output}"


rule chapter:
    input:
        unpack(chapter_needs),
    output:
        "_build/executed/{chapter}.ipynb",
    params:
        variant=lambda wildcards, input: input.get("parameters", ""),
    shell:
        THREADS + " " + BOOK + " execute {input.needs[0]} {output} {params.variant}"


# The longest chapters begin first, so that none of them is left to run alone at the end.
use rule chapter as long_chapter with:
    priority: 1
    wildcard_constraints:
        chapter="06_laws|08_elasticity|09_tasks|10_mini_experiment",


ruleorder: long_chapter > chapter


# What the allocator page computes from: the bags of the average and of every task.
rule allocator:
    input:
        needs_of("allocator"),
        "requirements/analysis.txt",
    output:
        f"_build/{DATA}",
    shell:
        THREADS + f" {PYTHON} -m vvlm_utils.site.allocator {{output}}"


# What the site offers to take along: the project's files as an archive, the package as a wheel.
rule downloads:
    input:
        archive.list_sources(Path(".")),
    output:
        directory(f"_build/{CODE}"),
    shell:
        PYTHON + " -m vvlm_utils.site.archive {output}"


rule variant:
    input:
        needs=needs,
        after=lambda wildcards: after(wildcards, f"_build/variants/{{}}.{wildcards.variant}.ipynb"),
        parameters="params/{chapter}.{variant}.yml",
    output:
        "_build/variants/{chapter}.{variant}.ipynb",
    shell:
        THREADS + " " + BOOK + " execute {input.needs[0]} {output} {input.parameters}"


rule variants:
    input:
        expand("_build/variants/{variant}.ipynb", variant=VARIANTS),


# The chapters with the settings of params/matrix; then what ran is held to its own tables.
rule rerun:
    input:
        needs=needs,
        matrix="params/matrix/{chapter}.yml",
    output:
        "_build/reruns/{chapter}.{index}.ipynb",
    shell:
        f"{THREADS} {PYTHON} -m vvlm_utils.site.reruns execute {{wildcards.chapter}}.{{wildcards.index}} {{output}}"


rule reruns:
    input:
        rules.variants.input,
        [f"_build/reruns/{name}.ipynb" for chapter in read_matrix().values() for name in chapter.names],
    shell:
        f"{PYTHON} -m vvlm_utils.site.reruns check {{input}}"


rule figure:
    input:
        f"_build/executed/{book.FRONT[0]}.ipynb",
    shell:
        BOOK + " figure _build/executed"
