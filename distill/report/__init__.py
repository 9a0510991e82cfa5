"""A run as a page, a PDF and figures, from the files in its folder alone."""
