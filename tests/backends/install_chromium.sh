#!/usr/bin/env bash
# Finds Chromium, or installs it from Debian's packages where that is possible, and prints its path.
set -euo pipefail
if ! command -v chromium >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "NO CHROMIUM: it is not here, and only root can install it with apt-get" >&2
		exit 69
	fi
	apt-get update >&2
	# A page without a font has no letters.
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		chromium fonts-dejavu-core >&2
fi
command -v chromium
