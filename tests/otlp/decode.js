// Requests of OTLP, as OpenTelemetry's own JavaScript package reads them, in one plain form for all three protocols.
//   decodeProtobuf(signal, bytes), decodeJson(signal, text) -> { items, faults }
// An item is a metric with its points, a log record or a span, with its resource and scope; attributes are plain objects, ids hex,
// 64-bit numbers texts. faults says what a strict reader would mind.
'use strict';
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');

const services = { metrics: ['metrics', 'Metrics', 'resourceMetrics'], logs: ['logs', 'Logs', 'resourceLogs'], traces: ['trace', 'Trace', 'resourceSpans'] };
const messages = (signal) => {
	const [folder, name] = services[signal];
	const v1 = opentelemetry.proto.collector[folder].v1;
	return { request: v1[`Export${name}ServiceRequest`], response: v1[`Export${name}ServiceResponse`] };
};
const rejectedField = { metrics: 'rejectedDataPoints', logs: 'rejectedLogRecords', traces: 'rejectedSpans' };
const idFields = new Set(['traceId', 'spanId', 'parentSpanId']);
const enumFields = new Set(['kind', 'code', 'severityNumber', 'aggregationTemporality']);
const isLong = (key) => /UnixNano$/.test(key) || ['count', 'zeroCount', 'intValue', 'asInt', 'bucketCounts'].includes(key);

// ---- plain forms ----

function value(any) {
	if (!any) return null;
	if ('stringValue' in any) return any.stringValue;
	if ('boolValue' in any) return any.boolValue;
	if ('intValue' in any) return Number(any.intValue);
	if ('doubleValue' in any) return any.doubleValue;
	if ('bytesValue' in any) return { bytes: any.bytesValue };
	if ('arrayValue' in any) return (any.arrayValue.values ?? []).map(value);
	if ('kvlistValue' in any) return attributes(any.kvlistValue.values);
	return null;
}
function attributes(list, faults) {
	const out = {};
	for (const { key, value: any } of list ?? []) {
		if (key in out) faults?.push(`attribute ${key} twice`);
		out[key] = value(any);
	}
	return out;
}

const shape = {
	metrics(metric, faults) {
		const kind = ['sum', 'gauge', 'histogram', 'exponentialHistogram', 'summary'].find((k) => metric[k]);
		if (!kind) faults.push(`metric ${metric.name} has no data`);
		const data = metric[kind] ?? {};
		return {
			name: metric.name, unit: metric.unit ?? '', description: metric.description ?? '', kind,
			temporality: data.aggregationTemporality ?? 0, monotonic: data.isMonotonic ?? false,
			points: (data.dataPoints ?? []).map((p) => ({ ...p, attributes: attributes(p.attributes, faults), value: p.asDouble ?? (p.asInt === undefined ? undefined : Number(p.asInt)) })),
		};
	},
	logs: (record, faults) => ({ ...record, body: value(record.body), attributes: attributes(record.attributes, faults) }),
	traces: (span, faults) => ({
		...span, attributes: attributes(span.attributes, faults),
		events: (span.events ?? []).map((e) => ({ ...e, attributes: attributes(e.attributes, faults) })),
		links: (span.links ?? []).map((l) => ({ ...l, attributes: attributes(l.attributes, faults) })),
	}),
};

function items(signal, request, faults) {
	const out = [];
	for (const r of request[services[signal][2]] ?? [])
		for (const s of r[{ metrics: 'scopeMetrics', logs: 'scopeLogs', traces: 'scopeSpans' }[signal]] ?? [])
			for (const item of s[{ metrics: 'metrics', logs: 'logRecords', traces: 'spans' }[signal]] ?? [])
				out.push({
					resource: attributes(r.resource?.attributes, faults), scope: { name: s.scope?.name, version: s.scope?.version },
					...shape[signal](item, faults),
				});
	return out;
}

// ---- readers ----

// Bytes become hex in ids; everything else stays.
function hexIds(node) {
	for (const key of Object.keys(node ?? {})) {
		if (Buffer.isBuffer(node[key]) || node[key] instanceof Uint8Array) node[key] = Buffer.from(node[key]).toString('hex');
		else if (typeof node[key] === 'object') hexIds(node[key]);
	}
	return node;
}
const plain = (type, message) => hexIds(type.toObject(message, { longs: String, enums: Number, bytes: Buffer }));

function decodeProtobuf(signal, bytes) {
	const { request } = messages(signal), faults = [];
	const message = request.decode(bytes);
	const again = request.encode(message).finish().length;
	if (again !== bytes.length) faults.push(`${bytes.length} bytes, written again ${again}: fields that OTLP does not know, or twice the same`);
	return { items: items(signal, plain(request, message), faults), faults };
}

// What protobuf's JSON form asks for, and OTLP's exceptions: ids in hex, enums as numbers. Gives a copy with ids as bytes.
function checkJson(node, path, faults) {
	if (Array.isArray(node)) return node.map((n, i) => checkJson(n, `${path}[${i}]`, faults));
	if (node === null || typeof node !== 'object') return node;
	const out = {};
	for (const [key, v] of Object.entries(node)) {
		const at = `${path}.${key}`;
		if (idFields.has(key)) {
			if (typeof v !== 'string' || !/^([0-9a-f]{16}|[0-9a-f]{32})?$/.test(v)) faults.push(`${at} is no id in hex`);
			out[key] = Buffer.from(String(v), 'hex');
			continue;
		}
		if (enumFields.has(key) && typeof v !== 'number') faults.push(`${at} is no number`);
		if (isLong(key) && [v].flat().some((n) => typeof n !== 'string' || !/^-?\d+$/.test(n))) faults.push(`${at} is no 64-bit number as a text`);
		out[key] = checkJson(v, at, faults);
	}
	return out;
}
function unknownFields(given, known, path, faults) {
	if (given === null || typeof given !== 'object' || Buffer.isBuffer(given)) return;
	for (const key of Object.keys(given)) {
		if (Array.isArray(given[key]) && given[key].length === 0) continue;
		if (known?.[key] === undefined) faults.push(`${path}.${key} is unknown`);
		else unknownFields(given[key], known[key], `${path}.${key}`, faults);
	}
}
function decodeJson(signal, text) {
	const { request } = messages(signal), faults = [];
	const given = checkJson(JSON.parse(text), '', faults);
	const known = plain(request, request.fromObject(given));
	unknownFields(given, known, '', faults);
	return { items: items(signal, known, faults), faults };
}

function encodeResponse(signal, partial, json) {
	const body = partial ? { partialSuccess: { [rejectedField[signal]]: partial.rejected ?? 0, errorMessage: partial.message ?? '' } } : {};
	if (json) {
		if (body.partialSuccess) body.partialSuccess[rejectedField[signal]] = String(body.partialSuccess[rejectedField[signal]]);
		return Buffer.from(JSON.stringify(body));
	}
	return Buffer.from(messages(signal).response.encode(messages(signal).response.fromObject(body)).finish());
}

module.exports = { decodeProtobuf, decodeJson, encodeResponse, signals: Object.keys(services) };
