#!/usr/bin/env bash
# Builds Jaeger from the Go module proxy into .cache/, once for each version, and prints the path.
# Jaeger's go.mod has replace directives, which `go install …@version` refuses; so it is built as
# a dependency of an empty module. Takes about three minutes the first time.
set -euo pipefail
version=v1.62.0
root=$(cd "$(dirname "$0")/../.." && pwd)
folder="$root/.cache/jaeger-$version"
if [ ! -x "$folder/jaeger" ]; then
	if ! command -v go >/dev/null; then
		echo "NO GO TOOLCHAIN: Jaeger cannot be built here" >&2
		exit 69
	fi
	mkdir -p "$folder"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	go mod init build >&2
	go get "github.com/jaegertracing/jaeger/cmd/jaeger@$version" >&2
	go build -o "$folder/jaeger.new" github.com/jaegertracing/jaeger/cmd/jaeger >&2
	mv "$folder/jaeger.new" "$folder/jaeger"
fi
echo "$folder/jaeger"
