"""Error of the gradients of each frame: a plugin of deblurkit."""
