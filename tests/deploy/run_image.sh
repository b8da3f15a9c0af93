#!/usr/bin/env bash
# Runs a command in an image's root as its user: root read-only, a volume, /tmp in memory, no
# capability, no new privileges. Called inside a mount namespace of its own (unshare --mount).
#   run_image.sh ROOT VOLUME COMMAND…
set -euo pipefail
root=$1
volume=$2
shift 2
mount --bind "$root" "$root"
mount --bind "$volume" "$root/var/lib/llm-cost"
mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs \
	--bounding-set=-all --inh-caps=-all /usr/bin/env -i "$@"
