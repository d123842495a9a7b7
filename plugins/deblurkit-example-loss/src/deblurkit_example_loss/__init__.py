"""The pairwise loss on blocks of pixels: a plugin of deblurkit."""
