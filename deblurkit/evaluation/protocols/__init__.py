"""The protocols: one file each, named in `names.py`."""
