// The Vercel AI SDK as applications use it, traced as its documentation says:
//
//   node app.mjs VERSION SCENARIO …
//
// VERSION is the SDK's major version. Each scenario is a trace and a session of its own.

import { SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';

const [, , version, ...scenarios] = process.argv;
const { createOpenAI } = await import(`openai-of-${version}`);
const { createAnthropic } = await import(`anthropic-of-${version}`);
const ai = await import(`ai-${version}`);
const otel = version === '7' ? await import('otel-of-7') : undefined;

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'weather' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: process.env.PROCESSOR }))],
});
provider.register();
otel && ai.registerTelemetry(new otel.OpenTelemetry({ runtimeContext: true }));

// How a program says whose call it is, in the words of each version.
function telemetry(scenario) {
  const owner = { sessionId: `s-${scenario}`, userId: `u-${scenario}` };
  if (!otel) {
    const settings = { isEnabled: true, functionId: 'forecaster', metadata: owner };
    return { experimental_telemetry: settings };
  }
  const settings = {
    functionId: 'forecaster',
    includeRuntimeContext: { sessionId: true, userId: true },
  };
  if (scenario.endsWith('-metadata')) {
    settings.integrations = new otel.OpenTelemetry({ runtimeContext: true, providerMetadata: true });
  }
  return { telemetry: settings, runtimeContext: owner };
}

// A transport that takes out what asks for usage at the end of a stream.
function silentFetch(url, request) {
  const { stream_options: _, ...body } = JSON.parse(request.body);
  return fetch(url, { ...request, body: JSON.stringify(body) });
}

const prompt = 'Do I need an umbrella?';
const toolbox = {
  weather: ai.tool({
    description: 'The weather of a city.',
    [version === '4' ? 'parameters' : 'inputSchema']: z.object({ city: z.string() }),
    execute: async () => 'rain',
  }),
};
const agent =
  version === '4'
    ? { tools: toolbox, maxSteps: 5 }
    : { tools: toolbox, stopWhen: ai.stepCountIs(5) };

const whole = (model, more) => ai.generateText({ model, prompt, ...more });
async function streamed(model, more) {
  for await (const _ of ai.streamText({ model, prompt, ...more }).textStream);
}
async function failing(call) {
  const problem = await call.then(() => undefined, (thrown) => thrown);
  if (problem === undefined) throw new Error('a refused request did not fail');
}

const play = {
  'plain': (p, more) => whole(p.chat, more),
  'plain-bare': (p, more) => whole(p.chat, more),
  'plain-streamed': (p, more) => streamed(p.chat, more),
  'plain-responses': (p, more) => whole(p.responses, more),
  'plain-responses-streamed': (p, more) => streamed(p.responses, more),
  'plain-anthropic': (p, more) => whole(p.claude, more),
  'cached': (p, more) => whole(p.chat, more),
  'cached-streamed': (p, more) => streamed(p.chat, more),
  'cached-responses': (p, more) => whole(p.responses, more),
  'cached-anthropic': (p, more) => whole(p.claude, more),
  'cached-anthropic-streamed': (p, more) => streamed(p.claude, more),
  'cached-anthropic-metadata': (p, more) => whole(p.claude, more),
  'reasoning': (p, more) => whole(p.thinking, more),
  'reasoning-streamed': (p, more) => streamed(p.thinking, more),
  'reasoning-responses': (p, more) => whole(p.thinkingResponses, more),
  'tools': (p, more) => whole(p.chat, { ...agent, ...more }),
  'tools-streamed': (p, more) => streamed(p.chat, { ...agent, ...more }),
  'tools-responses': (p, more) => whole(p.responses, { ...agent, ...more }),
  'tools-anthropic': (p, more) => whole(p.claude, { ...agent, ...more }),
  'tools-anthropic-streamed': (p, more) => streamed(p.claude, { ...agent, ...more }),
  'retried': (p, more) => whole(p.chat, more),
  'refused': (p, more) => failing(whole(p.chat, more)),
  'silent-streamed': (p, more) => streamed(p.silent, more),
  'embedded': (p, more) => ai.embed({ model: p.embedding, value: 'rain', ...more }),
  // The provider takes 2048 texts at a time.
  'embedded-many': (p, more) =>
    ai.embedMany({ model: p.embedding, values: Array(2050).fill('rain'), ...more }),
};

function providers(scenario) {
  const settings = { baseURL: `${process.env.PROVIDERS}/${scenario}/v1`, apiKey: 'none' };
  const openai = createOpenAI({ ...settings, compatibility: 'strict' });
  const silent = createOpenAI({ ...settings, fetch: silentFetch });
  return {
    chat: openai.chat('gpt-4o-mini'),
    responses: openai.responses('gpt-4o-mini'),
    thinking: openai.chat('gpt-5-mini'),
    thinkingResponses: openai.responses('gpt-5-mini'),
    silent: silent.chat('gpt-4o-mini'),
    embedding: openai.textEmbeddingModel('text-embedding-3-small'),
    claude: createAnthropic(settings)('claude-sonnet-4-5'),
  };
}

const tracer = trace.getTracer('weather');
for (const scenario of scenarios) {
  const run = () => play[scenario](providers(scenario), telemetry(scenario));
  if (scenario.endsWith('-bare')) {
    await run();
    continue;
  }
  const root = { kind: SpanKind.SERVER, attributes: { 'app.scenario': scenario } };
  await tracer.startActiveSpan('POST /ask', root, async (span) => {
    await run();
    span.end();
  });
}
await provider.shutdown();
