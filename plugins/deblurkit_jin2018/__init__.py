"""The paper, as a plugin.

Jin, Meishvili, Favaro: Learning to Extract a Video Sequence from a Single Motion-Blurred
Image (CVPR 2018).
"""
