"""The Glue job that loads objects of bronze into silver and quarantine."""

import sys

from loglode.aws.glue import bronze_to_silver, main

if __name__ == "__main__":
    main(bronze_to_silver, sys.argv)
