"""The chapters of a run's report: each gives a section, and the figures that stand in it.

A chapter is a module with ``section(view) -> Section`` and ``drawings(view) -> list of Drawing``.
What was not measured says so there, and with which command it is.
"""
