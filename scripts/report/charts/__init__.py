"""Charts of the page: functions from figures to SVG, which takes its colours from the page's style sheet."""
