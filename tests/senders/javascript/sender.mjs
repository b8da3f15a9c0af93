// Sends one trace of an agent, a metric and a log record, as OTEL_* in the environment says.
// Prints the ids of its spans as JSON, and fails when the SDK could not export everything.

import { logs, metrics, SeverityNumber, SpanKind, trace } from "@opentelemetry/api";
import { loggingErrorHandler, setGlobalErrorHandler } from "@opentelemetry/core";
import { NodeSDK } from "@opentelemetry/sdk-node";

// The SDK tells of lost data here only.
const complain = loggingErrorHandler();
setGlobalErrorHandler((error) => {
  console.error(error);
  complain(error);
  process.exitCode = 1;
});

const sdk = new NodeSDK();
sdk.start();

const tracer = trace.getTracer("sender", "1.0");
const told = { trace_id: "", spans: {} };

function within(name, options, work = () => {}) {
  tracer.startActiveSpan(name, options, (span) => {
    told.trace_id = span.spanContext().traceId;
    told.spans[name] = span.spanContext().spanId;
    work(span);
    span.end();
  });
}

const earlier = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
  isRemote: true,
};
const asked = {
  kind: SpanKind.SERVER,
  attributes: { "http.request.method": "POST", note: "Grüße, 世界 🌧" },
  links: [{ context: earlier, attributes: { why: "retry" } }],
};
const planner = {
  attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner" },
};
const first = {
  kind: SpanKind.CLIENT,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.response.finish_reasons": ["stop", "length"],
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.usage.cache_read.input_tokens": 400,
  },
};
const second = {
  kind: SpanKind.CLIENT,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.request.stream": true,
    "gen_ai.usage.input_tokens": 2000,
    "gen_ai.usage.output_tokens": 300,
  },
};

within("POST /ask", asked, () => {
  within("invoke_agent planner", planner, () => {
    within("chat gpt-4o-mini", first, (span) => span.addEvent("first token", { index: 1 }));
    within("chat claude-sonnet-4-5", second);
  });
});
metrics.getMeter("sender").createCounter("questions").add(1, { kind: "weather" });
logs.getLogger("sender").emit({ severityNumber: SeverityNumber.INFO, body: "asked" });

try {
  await sdk.shutdown();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
console.log(JSON.stringify(told));
