#!/bin/sh
# Lock every requirements/*.in with hashes and no registry host. Run by `make lock`; needs uv on the PATH.
set -eu
cd "$(dirname "$0")"
for target in bootstrap layer reports emulator development; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make lock" "$@" "$target.in" --output-file "$target.txt"
done
