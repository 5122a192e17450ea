"""STAND-IN for Glue's own library, which runs on Glue alone: as little of it as Loglode touches.

Arguments are parsed, Spark is real, and the bookmark is a list of object states in the JSON file that
AWSGLUE_BOOKMARKS names. What it cannot show: how Glue itself decides which objects are new.
"""
