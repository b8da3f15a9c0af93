// Command sender sends one trace of an agent, a metric and a log record, as OTEL_* in the
// environment says. It prints the ids of its spans as JSON, and fails when the SDK could not
// export everything.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type exporters struct {
	spans   sdktrace.SpanExporter
	metrics sdkmetric.Exporter
	logs    sdklog.Exporter
}

// chooseExporters makes the exporters of one protocol; the environment says the rest.
func chooseExporters(ctx context.Context) (exporters, error) {
	var (
		chosen exporters
		errs   [3]error
	)
	switch protocol := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); protocol {
	case "grpc":
		chosen.spans, errs[0] = otlptracegrpc.New(ctx)
		chosen.metrics, errs[1] = otlpmetricgrpc.New(ctx)
		chosen.logs, errs[2] = otlploggrpc.New(ctx)
	case "http/protobuf":
		chosen.spans, errs[0] = otlptracehttp.New(ctx)
		chosen.metrics, errs[1] = otlpmetrichttp.New(ctx)
		chosen.logs, errs[2] = otlploghttp.New(ctx)
	default:
		return chosen, fmt.Errorf("no exporter speaks %q", protocol)
	}
	for _, err := range errs {
		if err != nil {
			return chosen, err
		}
	}
	return chosen, nil
}

// converse makes the spans of an agent that calls two models, and returns their ids.
func converse(ctx context.Context, tracer trace.Tracer) (traceID string, spanIDs map[string]string) {
	spanIDs = map[string]string{}
	start := func(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
		ctx, span := tracer.Start(ctx, name, options...)
		traceID = span.SpanContext().TraceID().String()
		spanIDs[name] = span.SpanContext().SpanID().String()
		return ctx, span
	}
	earlierTrace, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	earlierSpan, _ := trace.SpanIDFromHex("b7ad6b7169203331")
	earlier := trace.NewSpanContext(trace.SpanContextConfig{TraceID: earlierTrace, SpanID: earlierSpan, Remote: true})

	ctx, root := start(ctx, "POST /ask",
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("http.request.method", "POST"),
			attribute.String("note", "Grüße, 世界 🌧"),
		),
		trace.WithLinks(trace.Link{
			SpanContext: earlier,
			Attributes:  []attribute.KeyValue{attribute.String("why", "retry")},
		}),
	)
	defer root.End()
	ctx, agent := start(ctx, "invoke_agent planner", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"),
		attribute.String("gen_ai.agent.name", "planner"),
	))
	defer agent.End()

	_, first := start(ctx, "chat gpt-4o-mini",
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.request.model", "gpt-4o-mini"),
			attribute.Float64("gen_ai.request.temperature", 0.5),
			attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop", "length"}),
			attribute.Int("gen_ai.usage.input_tokens", 1000),
			attribute.Int("gen_ai.usage.output_tokens", 200),
			attribute.Int("gen_ai.usage.cache_read.input_tokens", 400),
		),
	)
	first.AddEvent("first token", trace.WithAttributes(attribute.Int("index", 1)))
	first.End()

	_, second := start(ctx, "chat claude-sonnet-4-5",
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.provider.name", "anthropic"),
			attribute.String("gen_ai.request.model", "claude-sonnet-4-5"),
			attribute.Bool("gen_ai.request.stream", true),
			attribute.Int("gen_ai.usage.input_tokens", 2000),
			attribute.Int("gen_ai.usage.output_tokens", 300),
		),
	)
	second.End()
	return traceID, spanIDs
}

func main() {
	ctx := context.Background()
	var failed atomic.Bool
	complain := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		failed.Store(true)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(complain))

	chosen, err := chooseExporters(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(chosen.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(chosen.metrics)))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(chosen.logs)))

	traceID, spanIDs := converse(ctx, tracers.Tracer("sender", trace.WithInstrumentationVersion("1.0")))
	if questions, err := meters.Meter("sender").Int64Counter("questions"); err == nil {
		questions.Add(ctx, 1, metric.WithAttributes(attribute.String("kind", "weather")))
	}
	var record log.Record
	record.SetSeverity(log.SeverityInfo)
	record.SetBody(attribute.StringValue("asked"))
	loggers.Logger("sender").Emit(ctx, record)

	for _, shutdown := range []func(context.Context) error{tracers.Shutdown, meters.Shutdown, loggers.Shutdown} {
		if err := shutdown(ctx); err != nil {
			complain(err)
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"trace_id": traceID, "spans": spanIDs})
	if failed.Load() {
		os.Exit(1)
	}
}
