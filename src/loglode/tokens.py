"""What keys and tokens look like: the one list for texts that are masked and for names that are recorded.

Regular expressions that DuckDB (RE2) and Python read alike.
"""

JWT = r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"
API_KEY = (
    r"(sk|pk|rk)_(live|test)_[0-9A-Za-z_]+|gh[pousr]_[0-9A-Za-z]{16,}|xox[a-z]-[0-9A-Za-z-]+"
    r"|AIza[0-9A-Za-z_-]{20,}"
)
AWS_KEY = r"(AKIA|ASIA)[0-9A-Z]{12,}"
