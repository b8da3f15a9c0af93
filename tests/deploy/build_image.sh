#!/usr/bin/env bash
# Builds deploy/docker/Dockerfile without a container engine: buildah with chroot isolation, on a
# base of Debian's own packages in place of the one that it names, which would have to come from a
# registry of images. Needs root, and Debian's buildah and debootstrap, which it installs. Prints the
# folder with the image's root; its configuration is in config.json beside it. The base is made once
# and kept in .cache/.
#   build_image.sh WORK_FOLDER
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder="$root/.cache/image-bookworm"
work="$1"
base="$folder/base.tar"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "NO IMAGE: only root can build one, on a system with apt-get" >&2
	exit 69 # EX_UNAVAILABLE of sysexits.h
fi
if ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
	apt-get update >&2
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		buildah debootstrap >&2
fi
if [ ! -f "$base" ]; then
	mkdir -p "$folder"
	debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
		bookworm "$work/debian" >&2
	ln -s python3 "$work/debian/usr/bin/python"
	# pip has to trust whom this machine trusts.
	cp -L /etc/ssl/certs/ca-certificates.crt "$work/debian/etc/ssl/certs/ca-certificates.crt"
	tar -C "$work/debian" -cf "$base.new" .
	mv "$base.new" "$base"
	rm -rf "$work/debian"
fi
buildah() {
	command buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}
printf 'FROM scratch\nADD base.tar /\nENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt\n' |
	buildah bud --isolation chroot --file - --tag localhost/python-base:3.11 "$folder" >&2
buildah bud --isolation chroot --format docker --build-arg PYTHON_IMAGE=localhost/python-base:3.11 \
	--file "$root/deploy/docker/Dockerfile" --tag localhost/llm-cost-processor "$root" >&2
buildah inspect --type image localhost/llm-cost-processor >"$work/config.json"
buildah mount "$(buildah from localhost/llm-cost-processor)"
