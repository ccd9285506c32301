"""The endpoint as a program: `python -m tailrace.simulate '{"ttft_ns":50000000}' 8000`.

Rule: a JSON script, a port, a loop, nothing more.
Why: the command line that people use is the package's; this one is for a parent process.
"""

import sys

from tailrace.simulate.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
