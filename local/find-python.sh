#!/bin/sh
# Print a Python 3.11 or newer that really runs: $PYTHON if given, else the first of the usual names. A name on the
# PATH is not enough: pyenv has shims for versions that are not installed, and they fail when run.
is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if is_recent "$PYTHON"; then
        echo "$PYTHON"
        exit 0
    fi
    echo "PYTHON=$PYTHON does not run, or is older than Python 3.11" >&2
    exit 1
fi
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if is_recent "$name"; then
        echo "$name"
        exit 0
    fi
done
echo "no Python 3.11 or newer was found: install one (https://www.python.org/downloads/), or name it: make PYTHON=/path/to/python3" >&2
exit 1
