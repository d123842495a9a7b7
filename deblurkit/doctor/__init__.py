"""What is wrong with footage, before anyone trains on it: `deblurkit data doctor`.

`examine.examine` looks at a data set and gives a `finding.Report`. A kind of check is a file; each
says its thresholds and why.
"""
