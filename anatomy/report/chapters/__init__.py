"""The chapters of a report: from the findings to what stands in it, for any renderer."""
