"""What each chapter may be given: a module per chapter declares its parameters, once.

A chapter ``notebooks/NN_topic.ipynb`` has a module ``topic`` here with one class, ``Parameters``.
The parameters cell, its check, ``vvlm run --help NOTEBOOK``, the refusals and the table on the page
all come from that class. ``python -m vvlm_utils.chapters`` writes the cells (``make format``).
"""
