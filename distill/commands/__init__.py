"""The commands of `distill`, each in a module of its own."""
