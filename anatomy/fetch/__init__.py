"""Bringing official files to this machine: https, the Hugging Face hub, Roboflow, or a copy."""

from anatomy.fetch.sources import Fetched, fetch

__all__ = ["Fetched", "fetch"]
