"""Drawing clips: shapes, cut-outs and photographs under motion, moment by moment."""
