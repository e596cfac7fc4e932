"""The charts of the page, each a function from figures to an SVG that takes its colours from the page's style sheet."""
