"""What a good value is: standardisers, checks and rule books. Knows nothing of matching or storage."""
