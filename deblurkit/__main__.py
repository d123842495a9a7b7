"""`python -m deblurkit`."""

from deblurkit.cli import main

main()
