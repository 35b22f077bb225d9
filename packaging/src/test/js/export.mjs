// Sends one item with each of the nine OTLP exporters and prints one line for each: its name, then "ok" or why not.
// Usage: node export.mjs HTTP_URL GRPC_URL COMPRESSION [PROTOCOL...]
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { TracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const [http, grpc, compression, ...protocols] = process.argv.slice(2);
const packages = { json: 'http', proto: 'proto', grpc: 'grpc' };
const classes = { logs: 'OTLPLogExporter', trace: 'OTLPTraceExporter', metrics: 'OTLPMetricExporter' };
const paths = { logs: '/v1/logs', trace: '/v1/traces', metrics: '/v1/metrics' };

// Tells what became of each export, which the SDK itself only logs.
function watched(exporter) {
  const inner = exporter.export.bind(exporter);
  exporter.outcome = new Promise((resolve) => {
    exporter.export = (items, done) =>
      inner(items, (result) => {
        resolve(result.code === 0 ? 'ok' : `failed: ${result.error}`);
        done(result);
      });
  });
  return exporter;
}

async function send(signal, exporter) {
  if (signal === 'logs') {
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    provider.getLogger('conformance').emit({ body: 'hello' });
    await provider.forceFlush();
    await exporter.outcome.then(() => provider.shutdown());
  } else if (signal === 'trace') {
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    provider.getTracer('conformance').startSpan('hello').end();
    await provider.forceFlush();
    await exporter.outcome.then(() => provider.shutdown());
  } else {
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    provider.getMeter('conformance').createCounter('hello').add(1);
    await provider.forceFlush();
    await exporter.outcome;
  }
}

for (const protocol of protocols) {
  for (const signal of Object.keys(classes)) {
    const module = await import(`@opentelemetry/exporter-${signal}-otlp-${packages[protocol]}`);
    const exporter = watched(
      new module[classes[signal]]({ url: protocol === 'grpc' ? grpc : http + paths[signal], compression }),
    );
    await send(signal, exporter);
    console.log(`${protocol} ${signal} ${await exporter.outcome}`);
  }
}
process.exit(0);
