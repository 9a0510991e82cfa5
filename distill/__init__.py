"""distill: from the audit's findings to a smaller text encoder."""
