"""The risk check, whole: rules, the rows they count, and what was decided."""
