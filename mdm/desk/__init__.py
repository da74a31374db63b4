"""What a steward sees: the store -> one frozen view per page, every value as the steward's role may see it."""
