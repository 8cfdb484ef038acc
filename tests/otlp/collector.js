// A collector for tests: takes OTLP for all signals over gRPC (OpenTelemetry's usual server, @grpc/grpc-js), HTTP/protobuf and
// HTTP/JSON, and writes one line of JSON per request. What it answers can be ordered beforehand.
//   node collector.js --out FILE --ports FILE [--raw DIR] [--tls DIR [--client-ca FILE]] [--idle MS]
// --ports: where the ports go once all are open, as shell assignments: http=… grpc=… raw2=… (and https=… grpcs=… with --tls, a
//   folder with cert.pem and key.pem). raw2 speaks HTTP/2 without gRPC, as a proxy does that answers for its server.
// --idle: connections of gRPC without a call for so long are closed.
// --raw: bodies, uncompressed, and headers, as they came.
// A line: { n, at, signal, protocol, path, peer, tls, headers, gzip, answer, items, faults }; peer tells connections apart.
// Orders, as a JSON list by POST to /order on the http port; the first that fits is used up; "times" is 1 without a word:
//   { "signal": "metrics", "times": 2, "status": 503, "headers": { "retry-after": "1" }, "body": "…" }   HTTP
//   { "code": 8, "message": "…", "retryMs": 250, "details": false }                                     gRPC, with RetryInfo
//   { "partial": { "rejected": 3, "message": "…" } }, { "hang": true }, { "reset": true }                all
// { "require": { "authorization": "…" } } stays: requests without these headers get 401 or UNAUTHENTICATED ("code"/"status" of
// the order, if given). { "poison": "text", "status": 400, "code": 3 } stays too: requests that hold the text get that. GET /orders: how many are left.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const path = require('node:path');
const zlib = require('node:zlib');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protobuf = require('protobufjs/minimal');
const { decodeProtobuf, decodeJson, encodeResponse } = require('./decode.js');

const { values: options } = parseArgs({ options: {
	out: { type: 'string' }, ports: { type: 'string' }, raw: { type: 'string' }, tls: { type: 'string' }, 'client-ca': { type: 'string' }, idle: { type: 'string', default: '1800000' },
} });
const out = fs.openSync(options.out, 'a');
let orders = [], required = null, poison = null, count = 0;

// ---- what is answered ----

function judge(signal, headers, body) {
	if (required)
		for (const [name, wanted] of Object.entries(required.headers))
			if (headers[name] !== wanted) return { status: required.status ?? 401, code: required.code ?? 16, message: 'who are you?' };
	if (poison?.poison && body?.includes(poison.poison)) return { status: poison.status, code: poison.code };
	const i = orders.findIndex((o) => !o.signal || o.signal === signal);
	if (i < 0) return {};
	const order = orders[i];
	order.times = (order.times ?? 1) - 1;
	if (order.times <= 0) orders.splice(i, 1);
	return order;
}
function take(list) {
	for (const order of list)
		if ('require' in order) required = order.require && { headers: order.require, status: order.status, code: order.code };
		else if ('poison' in order) poison = order;
		else orders.push(order);
}

// ---- what is written down ----

function record(signal, protocol, body, about, answer) {
	const n = ++count;
	let read = { items: [], faults: [] };
	try {
		read = protocol === 'http/json' ? decodeJson(signal, body.toString('utf8')) : decodeProtobuf(signal, body);
	} catch (error) {
		read.faults.push(`cannot be read: ${error.message}`);
	}
	if (options.raw) {
		fs.writeFileSync(path.join(options.raw, `${n}.body`), body);
		fs.writeFileSync(path.join(options.raw, `${n}.headers`), JSON.stringify(about.headers));
	}
	const { signal: _, times: __, ...short } = answer;
	fs.writeSync(out, JSON.stringify({ n, at: Date.now(), signal, protocol, ...about, answer: short, ...read }) + '\n');
	return read;
}

// ---- HTTP ----

function onHttp(tls, request, response) {
	const chunks = [];
	request.on('error', () => {});
	request.on('data', (c) => chunks.push(c));
	request.on('end', () => {
		const body = Buffer.concat(chunks), signal = /\/(metrics|logs|traces)\b/.exec(request.url)?.[1];
		if (request.url === '/order') return take(JSON.parse(body)), response.end('{}');
		if (request.url === '/orders') return response.end(`${orders.length}\n`);
		if (request.method !== 'POST' || !signal) return response.writeHead(404).end();
		answerHttp(tls, signal, request, response, body);
	});
}
function answerHttp(tls, signal, request, response, packed) {
	const json = /^application\/json\b/.test(request.headers['content-type']), gzip = request.headers['content-encoding'] === 'gzip';
	if (!json && request.headers['content-type'] !== 'application/x-protobuf') return response.writeHead(415).end();
	const body = gzip ? zlib.gunzipSync(packed) : packed;
	const answer = judge(signal, request.headers, body), peer = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
	const { faults } = record(signal, json ? 'http/json' : 'http/protobuf', body, { path: request.url, peer, tls, headers: request.headers, gzip }, answer);
	if (answer.hang) return;
	if (answer.reset) return request.socket.destroy();
	const status = answer.status ?? (faults.some((f) => f.startsWith('cannot')) ? 400 : 200);
	response.writeHead(status, { 'content-type': json ? 'application/json' : 'application/x-protobuf', ...answer.headers });
	response.end(answer.body ?? (status === 200 ? encodeResponse(signal, answer.partial, json) : ''));
}

// ---- gRPC ----

function details(answer) { // google.rpc.Status with google.rpc.RetryInfo
	const delay = protobuf.Writer.create().uint32(8).int64(Math.floor(answer.retryMs / 1000)).uint32(16).int32((answer.retryMs % 1000) * 1e6).finish();
	const info = protobuf.Writer.create().uint32(10).bytes(delay).finish();
	const any = protobuf.Writer.create().uint32(10).string('type.googleapis.com/google.rpc.RetryInfo').uint32(18).bytes(info).finish();
	const other = protobuf.Writer.create().uint32(10).string('type.googleapis.com/google.rpc.DebugInfo').uint32(18).bytes(Buffer.from('debug')).finish();
	return Buffer.from(protobuf.Writer.create().uint32(8).int32(answer.code).uint32(18).string(answer.message ?? '').uint32(26).bytes(other).uint32(26).bytes(any).finish());
}
function onGrpc(signal, tls, call, callback) {
	const headers = Object.fromEntries(Object.entries(call.metadata.getMap()).map(([k, v]) => [k, v.toString()]));
	const answer = judge(signal, headers, call.request), gzip = headers['x-was-packed'] === 'gzip';
	delete headers['x-was-packed'];
	record(signal, 'grpc', call.request, { path: call.getPath(), peer: call.getPeer(), tls, headers, gzip, deadline: call.getDeadline() !== Infinity, left: call.getDeadline() - Date.now() }, answer);
	if (answer.hang) return;
	if (answer.early) call.sendMetadata(new grpc.Metadata());
	if (!answer.code) return callback(null, answer.body !== undefined ? Buffer.from(answer.body) : encodeResponse(signal, answer.partial, false));
	const trailers = new grpc.Metadata();
	if (answer.retryMs !== undefined) trailers.set('grpc-status-details-bin', details(answer));
	callback({ code: answer.code, details: answer.message ?? '', metadata: trailers });
}
function grpcServer(tls) {
	// The server takes the header about packing away before a handler sees it.
	const spy = (_, call) => new grpc.ServerInterceptingCall(call, {
		start: (next) => next({
			onReceiveMetadata(metadata, on) {
				metadata.set('x-was-packed', call.incomingEncoding);
				on(metadata);
			},
		}),
	});
	const server = new grpc.Server({ interceptors: [spy], 'grpc.max_receive_message_length': -1, 'grpc.max_connection_idle_ms': Number(options.idle) });
	const method = (name, service) => ({
		path: `/opentelemetry.proto.collector.${service}/Export`, requestStream: false, responseStream: false, requestSerialize: (b) => b,
		requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b,
	});
	for (const [signal, service] of [['metrics', 'metrics.v1.MetricsService'], ['logs', 'logs.v1.LogsService'], ['traces', 'trace.v1.TraceService']])
		server.addService({ Export: method('Export', service) }, { Export: (call, callback) => onGrpc(signal, tls, call, callback) });
	return server;
}
const bindGrpc = (server, credentials) => new Promise((resolve, reject) =>
	server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))));

// ---- HTTP/2 that is no gRPC ----

function onHttp2(stream, headers) {
	const answer = judge(undefined, headers);
	stream.on('error', () => {});
	stream.resume();
	stream.on('end', () => {
		fs.writeSync(out, JSON.stringify({ n: ++count, at: Date.now(), protocol: 'raw2', headers, answer }) + '\n');
		if (answer.reset) return stream.close(http2.constants[answer.reset === true ? 'NGHTTP2_INTERNAL_ERROR' : answer.reset]);
		stream.respond({ ':status': answer.status ?? 200, 'content-type': 'text/html', ...answer.headers });
		stream.end(answer.body ?? '<html>');
	});
}

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
async function main() {
	const ports = {
		http: await listen(http.createServer((q, a) => onHttp(false, q, a))),
		grpc: await bindGrpc(grpcServer(false), grpc.ServerCredentials.createInsecure()),
		raw2: await listen(http2.createServer().on('stream', onHttp2)),
	};
	if (options.tls) {
		const key = fs.readFileSync(path.join(options.tls, 'key.pem')), cert = fs.readFileSync(path.join(options.tls, 'cert.pem'));
		const ca = options['client-ca'] ? fs.readFileSync(options['client-ca']) : null;
		const secure = { key, cert, ...(ca && { ca, requestCert: true, rejectUnauthorized: true }) };
		ports.https = await listen(https.createServer(secure, (q, a) => onHttp(true, q, a)));
		ports.grpcs = await bindGrpc(grpcServer(true), grpc.ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], Boolean(ca)));
	}
	fs.writeFileSync(`${options.ports}.new`, Object.entries(ports).map(([k, v]) => `otlp_${k}=${v}\n`).join(''));
	fs.renameSync(`${options.ports}.new`, options.ports);
}
main().catch((error) => {
	console.error(error);
	process.exit(1);
});
