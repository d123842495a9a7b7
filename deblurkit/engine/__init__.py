"""Training: plan, phases, checkpoints, runs."""
