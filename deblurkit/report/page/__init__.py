"""The report page: runs or a bench as one HTML file that needs nothing else."""
