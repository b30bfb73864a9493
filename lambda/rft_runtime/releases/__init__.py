"""What is live on a model line, and how that changes: promotion, rollback, and what is left half done."""
