//! Sends one trace of an agent, a metric and a log record, as OTEL_* in the environment says.
//!
//! Prints the ids of its spans as JSON, and fails when the SDK could not export everything.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

type Ids = BTreeMap<String, String>;

/// Starts a span below the current one, notes its id, and returns the context that it is in.
fn start(tracer: &SdkTracer, parent: &Context, builder: SpanBuilder, ids: &mut Ids) -> Context {
    let name = builder.name.to_string();
    let span = tracer.build_with_context(builder, parent);
    ids.insert(name, span.span_context().span_id().to_string());
    parent.with_span(span)
}

fn chat(
    tracer: &SdkTracer,
    provider: &'static str,
    model: &'static str,
    usage: [i64; 2],
    more: Vec<KeyValue>,
) -> SpanBuilder {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.provider.name", provider),
        KeyValue::new("gen_ai.request.model", model),
        KeyValue::new("gen_ai.usage.input_tokens", usage[0]),
        KeyValue::new("gen_ai.usage.output_tokens", usage[1]),
    ];
    attributes.extend(more);
    tracer
        .span_builder(format!("chat {model}"))
        .with_kind(SpanKind::Client)
        .with_attributes(attributes)
}

/// An agent that calls two models; returns the trace's id and those of the spans.
fn converse(tracer: &SdkTracer) -> Result<(String, Ids), Box<dyn Error>> {
    let mut ids = Ids::new();
    let earlier = SpanContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c")?,
        SpanId::from_hex("b7ad6b7169203331")?,
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let asked = tracer
        .span_builder("POST /ask")
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("note", "Grüße, 世界 🌧"),
        ])
        .with_links(vec![Link::new(
            earlier,
            vec![KeyValue::new("why", "retry")],
            0,
        )]);
    let root = start(tracer, &Context::new(), asked, &mut ids);
    let planner = tracer
        .span_builder("invoke_agent planner")
        .with_attributes([
            KeyValue::new("gen_ai.operation.name", "invoke_agent"),
            KeyValue::new("gen_ai.agent.name", "planner"),
        ]);
    let agent = start(tracer, &root, planner, &mut ids);

    let reasons = Array::String(vec![StringValue::from("stop"), StringValue::from("length")]);
    let more = vec![
        KeyValue::new("gen_ai.request.temperature", 0.5),
        KeyValue::new("gen_ai.response.finish_reasons", Value::Array(reasons)),
        KeyValue::new("gen_ai.usage.cache_read.input_tokens", 400),
    ];
    let first = chat(tracer, "openai", "gpt-4o-mini", [1000, 200], more);
    let first = start(tracer, &agent, first, &mut ids);
    first
        .span()
        .add_event("first token", vec![KeyValue::new("index", 1)]);
    first.span().end();

    let more = vec![KeyValue::new("gen_ai.request.stream", true)];
    let second = chat(tracer, "anthropic", "claude-sonnet-4-5", [2000, 300], more);
    start(tracer, &agent, second, &mut ids).span().end();

    agent.span().end();
    root.span().end();
    Ok((root.span().span_context().trace_id().to_string(), ids))
}

fn send() -> Result<(), Box<dyn Error>> {
    let tracers = SdkTracerProvider::builder()
        .with_batch_exporter(SpanExporter::builder().build()?)
        .build();
    let meters = SdkMeterProvider::builder()
        .with_periodic_exporter(MetricExporter::builder().build()?)
        .build();
    let loggers = SdkLoggerProvider::builder()
        .with_batch_exporter(LogExporter::builder().build()?)
        .build();

    let scope = InstrumentationScope::builder("sender")
        .with_version("1.0")
        .build();
    let (trace_id, ids) = converse(&tracers.tracer_with_scope(scope))?;
    let questions = meters.meter("sender").u64_counter("questions").build();
    questions.add(1, &[KeyValue::new("kind", "weather")]);
    let logger = loggers.logger("sender");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Info);
    record.set_body(AnyValue::from("asked"));
    logger.emit(record);

    println!(
        "{}",
        serde_json::json!({"trace_id": trace_id, "spans": ids})
    );
    // A flush tells of what could not be exported, a shutdown only of its own end.
    tracers.force_flush()?;
    meters.force_flush()?;
    loggers.force_flush()?;
    tracers.shutdown()?;
    meters.shutdown()?;
    loggers.shutdown()?;
    Ok(())
}

fn main() -> ExitCode {
    // The exporter for gRPC wants to be made within a runtime, the one for HTTP blocks a thread
    // of its own.
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let _entered = runtime.enter();
    match send() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
