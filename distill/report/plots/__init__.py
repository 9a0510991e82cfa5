"""What the figures of a run's report look like."""
