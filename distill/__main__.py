"""`python -m distill`, and what torchrun starts in several processes."""

from distill.cli import main

main()
