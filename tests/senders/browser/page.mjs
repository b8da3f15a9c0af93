// Sends one trace from a web page, and shows its ids in the page.

import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const asked = new URLSearchParams(location.search);
const exporter = new OTLPTraceExporter({ url: asked.get("url") });
const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "page" }),
  spanProcessors: [new BatchSpanProcessor({ exporter })],
});
trace.setGlobalTracerProvider(provider);

const span = trace.getTracer("page").startSpan("chat gpt-4o-mini", {
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
    note: "Grüße, 世界 🌧",
  },
});
span.end();
const { traceId } = span.spanContext();
provider.forceFlush().then(
  () => (document.title = `sent ${traceId}`),
  (error) => (document.title = `failed ${traceId} ${error}`),
);
