"""A comparison as a page, a PDF and figures, from compare.json alone."""
