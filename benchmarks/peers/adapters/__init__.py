"""One small program for each system, run by the Python of that system's own environment.

Each sets its system up as the system's own documentation does, in batches where it can, and
leaves the loop, the clock and the memory to ``serve``. What a system needs stands in the file of
the same name that ends in ``.txt``; Passages needs the project's ``requirements.txt``.
"""
