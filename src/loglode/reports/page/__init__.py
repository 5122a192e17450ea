"""The report: gold as one HTML file that needs no network.

`content` reads gold into columns that add up over any range of days, `document` puts them into the page, and
the page's own script (`assets/page.js`) computes every figure for the chosen range.
"""
