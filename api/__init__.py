"""The HTTP door: JSON for machines, pages for stewards."""
