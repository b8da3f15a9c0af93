#!/usr/bin/env bash
# Builds the OpenTelemetry Collector of collector-builder.yaml into .cache/, once for each version
# and list of components, and prints the path. The Collector's own builder writes the sources; the
# modules are resolved by `go build`, because the builder's `go mod tidy` also wants those that only
# tests of other modules need. Takes about three minutes the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=v0.155.0
manifest="$here/collector-builder.yaml"
folder="$here/../../.cache/otelcol-$version"
if ! cmp --silent "$manifest" "$folder/built-from.yaml"; then
	if ! command -v go >/dev/null; then
		echo "NO GO TOOLCHAIN: the Collector cannot be built here" >&2
		exit 69
	fi
	mkdir -p "$folder"
	folder=$(cd "$folder" && pwd)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	GOBIN="$work" go install "go.opentelemetry.io/collector/cmd/builder@$version" >&2
	"$work/builder" --config "$manifest" --output-path "$work/source" \
		--skip-get-modules --skip-compilation >&2
	cd "$work/source"
	go mod init otelcol >&2
	go mod edit -require="go.opentelemetry.io/collector/otelcol@$version"
	while read -r _ _ module module_version; do
		go mod edit -require="$module@$module_version"
	done < <(grep -e '- gomod: ' "$manifest")
	go build -mod=mod -trimpath -ldflags='-s -w' -o "$folder/otelcol.new" . >&2
	mv "$folder/otelcol.new" "$folder/otelcol"
	cp "$manifest" "$folder/built-from.yaml"
fi
echo "$(cd "$folder" && pwd)/otelcol"
