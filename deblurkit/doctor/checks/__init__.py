"""What the doctor looks for, a file a kind of check; what it measures with is a folder above."""
