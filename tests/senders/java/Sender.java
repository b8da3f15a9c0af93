import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Sends one trace of an agent, a metric and a log record, as OTEL_* in the environment says.
 *
 * <p>Prints the ids of its spans as JSON, and fails when the SDK could not export everything.
 */
public final class Sender {
  private static final AtomicBoolean FAILED = new AtomicBoolean();

  private final List<String> told = new ArrayList<>();
  private final Tracer tracer;
  private String traceId = "";

  private Sender(Tracer tracer) {
    this.tracer = tracer;
  }

  public static void main(String[] arguments) {
    Logger.getLogger("io.opentelemetry").addHandler(new Complaints());
    // The other two signals are exported by default as well, to the same endpoint.
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook() // We shut it down ourselves, to see whether that goes well.
            .build()
            .getOpenTelemetrySdk();

    Sender sender = new Sender(sdk.getTracerProvider().get("sender", "1.0"));
    sender.converse();
    countAndLog(sdk);

    if (!sdk.shutdown().join(60, TimeUnit.SECONDS).isSuccess()) {
      FAILED.set(true);
    }
    String spans = String.join(", ", sender.told);
    new PrintStream(System.out, true, StandardCharsets.UTF_8)
        .println("{\"trace_id\": \"" + sender.traceId + "\", \"spans\": {" + spans + "}}");
    System.exit(FAILED.get() ? 1 : 0);
  }

  private static void countAndLog(OpenTelemetry otel) {
    otel.getMeter("sender")
        .counterBuilder("questions")
        .build()
        .add(1, Attributes.of(AttributeKey.stringKey("kind"), "weather"));
    otel.getLogsBridge()
        .get("sender")
        .logRecordBuilder()
        .setSeverity(Severity.INFO)
        .setBody("asked")
        .emit();
  }

  private void converse() {
    SpanContext earlier =
        SpanContext.createFromRemoteParent(
            "0af7651916cd43dd8448eb211c80319c",
            "b7ad6b7169203331",
            TraceFlags.getSampled(),
            TraceState.getDefault());
    SpanBuilder root =
        tracer
            .spanBuilder("POST /ask")
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("http.request.method", "POST")
            .setAttribute("note", "Gr\u00fc\u00dfe, \u4e16\u754c \ud83c\udf27")
            .addLink(earlier, Attributes.of(AttributeKey.stringKey("why"), "retry"));
    within("POST /ask", root, this::plan);
  }

  private void plan() {
    SpanBuilder agent =
        tracer
            .spanBuilder("invoke_agent planner")
            .setAttribute("gen_ai.operation.name", "invoke_agent")
            .setAttribute("gen_ai.agent.name", "planner");
    within("invoke_agent planner", agent, this::callModels);
  }

  private void callModels() {
    SpanBuilder first =
        chat("openai", "gpt-4o-mini", 1000, 200)
            .setAttribute("gen_ai.request.temperature", 0.5)
            .setAttribute(
                stringArrayKey("gen_ai.response.finish_reasons"), List.of("stop", "length"))
            .setAttribute("gen_ai.usage.cache_read.input_tokens", 400L);
    Attributes index = Attributes.of(AttributeKey.longKey("index"), 1L);
    within("chat gpt-4o-mini", first, () -> Span.current().addEvent("first token", index));
    SpanBuilder second =
        chat("anthropic", "claude-sonnet-4-5", 2000, 300)
            .setAttribute("gen_ai.request.stream", true);
    within("chat claude-sonnet-4-5", second, () -> {});
  }

  private SpanBuilder chat(String provider, String model, long input, long output) {
    return tracer
        .spanBuilder("chat " + model)
        .setSpanKind(SpanKind.CLIENT)
        .setAttribute("gen_ai.operation.name", "chat")
        .setAttribute("gen_ai.provider.name", provider)
        .setAttribute("gen_ai.request.model", model)
        .setAttribute("gen_ai.usage.input_tokens", input)
        .setAttribute("gen_ai.usage.output_tokens", output);
  }

  private void within(String name, SpanBuilder builder, Runnable work) {
    Span span = builder.startSpan();
    traceId = span.getSpanContext().getTraceId();
    told.add("\"" + name + "\": \"" + span.getSpanContext().getSpanId() + "\"");
    try (Scope ignored = span.makeCurrent()) {
      work.run();
    } finally {
      span.end();
    }
  }

  /** The SDK tells of lost data in its log only. */
  private static final class Complaints extends Handler {
    @Override
    public void publish(LogRecord line) {
      if (line.getLevel().intValue() >= Level.WARNING.intValue()) {
        FAILED.set(true);
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
