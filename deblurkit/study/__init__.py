"""The study: many recipes in one suite, their scores in one table."""
