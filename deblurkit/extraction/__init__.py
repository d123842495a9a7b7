"""`deblurkit extract`: one photograph in, its sequence out, checked against the photograph."""
