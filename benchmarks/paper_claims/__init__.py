"""The ten claims of Jin, Meishvili and Favaro (CVPR 2018), tested on a bench folder."""
