#!/bin/sh
# Sends one trace as OTLP/JSON, to see whether it arrives: an agent with two LLM calls, the second
# of which is over the default budget for a call. Needs curl and nothing else.
#   deploy/send_a_trace.sh [http://127.0.0.1:4318]
set -eu
to=${1:-http://127.0.0.1:4318}
now_s=$(date +%s)

hex() { # bytes
	od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

text() { # key value
	printf '{"key": "%s", "value": {"stringValue": "%s"}},' "$1" "$2"
}

count() { # key value
	printf '{"key": "%s", "value": {"intValue": "%s"}},' "$1" "$2"
}

span() { # id parent name attributes
	printf '{"traceId": "%s", "spanId": "%s", "parentSpanId": "%s", "name": "%s", "kind": 3,
		"startTimeUnixNano": "%s000000000", "endTimeUnixNano": "%s000000000", "attributes": [%s]}' \
		"$trace" "$1" "$2" "$3" $((now_s - 2)) "$now_s" "${4%,}"
}

chat() { # id model provider input output
	span "$1" "$root" "chat $2" "$(text gen_ai.operation.name chat
		text gen_ai.provider.name "$3"
		text gen_ai.request.model "$2"
		count gen_ai.usage.input_tokens "$4"
		count gen_ai.usage.output_tokens "$5")"
}

trace=$(hex 16) root=$(hex 8) small=$(hex 8) large=$(hex 8)
spans="$(chat "$small" gpt-4o openai 1000 200),
	$(chat "$large" claude-opus-4-5 anthropic 180000 8000),
	$(span "$root" "" "invoke_agent trial" "$(text gen_ai.operation.name invoke_agent
		text gen_ai.agent.name trial
		text session.id "trial-$now_s"
		text user.id trial)")"
curl --fail-with-body --silent --show-error --header 'Content-Type: application/json' --data @- \
	"$to/v1/traces" <<END
{"resourceSpans": [{
	"resource": {"attributes": [$(text service.name trial | sed 's/,$//')]},
	"scopeSpans": [{"scope": {"name": "trial"}, "spans": [$spans]}]
}]}
END
printf '\nsent trace %s\n  invoke_agent trial    %s\n  chat gpt-4o           %s\n  chat claude-opus-4-5  %s\n' \
	"$trace" "$root" "$small" "$large"
