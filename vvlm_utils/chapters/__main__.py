"""Write the parameters cell of every chapter from its declaration (``make format``)."""

from pathlib import Path

from vvlm_utils.chapters.notebook import write_cell

for path in sorted(Path("notebooks").glob("*.ipynb")):
    if write_cell(path):
        print(f"{path}: parameters cell written")
