"""Footage: consecutive frames filmed fast enough that their mean is motion blur.

A *layout* knows how a data set lies in folders; it gives *recordings*, and *pairs* where the set
has blurry images of its own. Everything else (clips, preparation, the doctor) works on these.
"""
