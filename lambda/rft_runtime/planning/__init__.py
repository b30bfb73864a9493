"""What a run will take, as ranges, and what its gate can show."""
