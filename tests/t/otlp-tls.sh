#!/bin/sh
# Collectors behind TLS, over gRPC and HTTP: an authority of one's own, a client's certificate, each also by OpenTelemetry's variables;
# a wrong authority, an expired certificate and a missing one lose nothing and are said.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
have openssl || skip "no openssl"
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms LFSPOOL_OTLP_TEMPORALITY=delta

authority() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.pem" -subj "/CN=$1" -days 30 >"$tmp/openssl" 2>&1 ||
		skip "openssl cannot make certificates: $(tail -1 "$tmp/openssl")"
}
certificate() { # FOLDER AUTHORITY DAYS
	mkdir -p "$tmp/$1"
	printf 'subjectAltName=IP:127.0.0.1\n' >"$tmp/ext"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/$1/key.pem" -out "$tmp/request" -subj "/CN=$1" >"$tmp/openssl" 2>&1 &&
		openssl x509 -req -in "$tmp/request" -CA "$tmp/$2.pem" -CAkey "$tmp/$2.key" -CAcreateserial -days "$3" -extfile "$tmp/ext" -out "$tmp/$1/cert.pem" >"$tmp/openssl" 2>&1 ||
		skip "openssl cannot sign: $(tail -1 "$tmp/openssl")"
}
authority own
authority other
certificate server own 30
certificate expired own -1
certificate client own 30
certificate stranger other 30

arrived() { [ -s "$tmp/otlp.jsonl" ]; }
complained() { grep -q -E '"event":"metrics.export".*"outcome":"('"$1"')"' "$tmp/daemon.err"; }
again_soon() { # nothing arrives, and the reason is said: OUTCOME WORDS
	start_daemon
	wait_for 60 "$protocol: no complaint of $1, $2" complained "$1"
	grep '"event":"metrics.export"' "$tmp/daemon.err" | grep -q -i -e "$2" || fail "$protocol: the reason is not $2: $(grep metrics.export "$tmp/daemon.err" | tail -1)"
	stop_daemon || fail "the daemon did not stop well"
	! arrived || fail "$protocol: something arrived in spite of $2"
}
address() { case $protocol in grpc) echo "https://127.0.0.1:$otlp_grpcs" ;; *) echo "https://127.0.0.1:$otlp_https" ;; esac; }

# --- an expired certificate
start_collector --tls "$tmp/expired"
for protocol in grpc http/protobuf; do
	: >"$tmp/otlp.jsonl"; rm -f "$tmp/daemon.err"
	LFSPOOL_OTLP_PROTOCOL=$protocol LFSPOOL_OTLP_ENDPOINT=$(address) LFSPOOL_OTLP_CA_FILE=$tmp/own.pem again_soon held 'expired'
done
stop_collector

# --- a server that wants to know its clients
start_collector --tls "$tmp/server" --client-ca "$tmp/own.pem"
for protocol in grpc http/protobuf http/json; do
	: >"$tmp/otlp.jsonl"
	rm -rf "$tmp/spool"
	export LFSPOOL_OTLP_PROTOCOL=$protocol LFSPOOL_OTLP_ENDPOINT="$(address)"
	exits 0 "$LFSPOOL" ingest "$(fixture tools sse.jsonl)"
	rm -f "$tmp/daemon.err"
	again_soon held 'certificate' # the system's authorities do not know this one
	rm -f "$tmp/daemon.err"
	LFSPOOL_CA_FILE=$tmp/other.pem again_soon held 'certificate'
	export LFSPOOL_CA_FILE="$tmp/own.pem"
	rm -f "$tmp/daemon.err"
	again_soon 'held|again' 'certificate' # the alert that says so is often lost with the connection
	rm -f "$tmp/daemon.err"
	LFSPOOL_OTLP_CLIENT_CERT=$tmp/stranger/cert.pem LFSPOOL_OTLP_CLIENT_KEY=$tmp/stranger/key.pem again_soon 'held|again' 'certificate\|alert'
	rm -f "$tmp/daemon.err"
	LFSPOOL_OTLP_CLIENT_CERT=$tmp/client/cert.pem LFSPOOL_OTLP_CLIENT_KEY=$tmp/nothing.pem again_soon held 'key'
	unset LFSPOOL_CA_FILE
	# by the variables of OpenTelemetry, of the signal before the general ones
	OTEL_EXPORTER_OTLP_CERTIFICATE=$tmp/other.pem OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE=$tmp/own.pem \
		OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=$tmp/client/cert.pem OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY=$tmp/client/key.pem start_daemon
	five() { [ "$(wc -l <"$tmp/otlp.jsonl")" -ge 5 ]; }
	wait_for 60 "$protocol: nothing arrives" five
	stop_daemon || fail "the daemon did not stop well"
	expect true "$(jq -s 'all(.[]; .tls and .faults == [])' "$tmp/otlp.jsonl")" "$protocol: over TLS"
	expect 1 "$(jq -r .peer "$tmp/otlp.jsonl" | sort -u | wc -l)" "$protocol: connections"
	jq -n -r -f "$srcdir/tests/otlp/faults.jq" "$tmp/otlp.jsonl" >"$tmp/check"
	! grep '^bad' "$tmp/check" || fail "$protocol: differences"
	expect "$("$LFSPOOL" metrics | jq -R -n '[inputs | select(test("^opencode[a-z_A-Z]*_total[{ ]")) | capture(" (?<v>[^ ]*)$").v | tonumber] | add * 1e6 | round')" \
		"$(awk '{ n += $NF } END { printf "%.0f\n", n / 1000 }' "$tmp/check")" "$protocol: what arrives after all the refusals"
done
exit 0
