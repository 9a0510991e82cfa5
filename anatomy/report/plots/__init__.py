"""What each figure shows, drawn once: as a picture, as CSV and under the reader's pointer."""
