"""From one photograph of any size to its sequence, within the memory that there is."""
