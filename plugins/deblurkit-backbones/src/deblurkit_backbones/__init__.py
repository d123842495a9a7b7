"""Other people's restoration networks as predictors: a plugin of deblurkit."""
