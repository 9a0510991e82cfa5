"""anatomy: how much of a text encoder a corpus of prompts really uses."""

__version__ = "0.1.0"
