#!/usr/bin/env bash
# Installs Arize Phoenix, and Playwright for looking at its pages, into an environment of their own
# in .cache/, once for each list of requirements, and prints its Python. PYTHON is what to make it
# with. Takes one to three minutes the first time, and 1 GB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
requirements="$here/phoenix.txt"
version=$(sed -n 's/^arize-phoenix==//p' "$requirements")
folder="$here/../../.cache/phoenix-$version"
if ! cmp --silent "$requirements" "$folder/made-from.txt"; then
	rm -rf "$folder"
	"${PYTHON:-python3}" -m venv "$folder" >&2
	"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
		--requirement "$requirements" >&2
	cp "$requirements" "$folder/made-from.txt"
fi
echo "$(cd "$folder" && pwd)/bin/python"
