"""A learned order of clips, after HyperCUT: a plugin of deblurkit."""
