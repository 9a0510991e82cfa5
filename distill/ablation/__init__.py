"""Short trainings of a run's recipe with one field changed at a time (paper, Tables 5 to 7)."""

from distill.ablation.ablate import ablate
from distill.ablation.grid import Cell, cells

__all__ = ["Cell", "ablate", "cells"]
