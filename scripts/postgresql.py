"""Make sure the tests have PostgreSQL's server programs; they start a cluster of their own."""

import os
import sys

from scripts.browser import install_debian
from tests.postgres import find_program

HINT = "No PostgreSQL: install its server (Debian: apt-get install postgresql). Its tests will be skipped."

if __name__ == "__main__":
    if find_program("initdb") is None:
        print("Getting PostgreSQL for the tests …")
        install_debian("postgresql")
    if find_program("initdb") is None:
        sys.exit(HINT if os.environ.get("CI") else print(HINT))
