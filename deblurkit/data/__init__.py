"""From files or nothing to batches: datasets give clips, clips are cached, streams cut samples."""
