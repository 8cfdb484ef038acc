/*
 * Any bytes as an OTLP request, protobuf and JSON, and as a batch of events: no crash, and what is read has a neutral form
 * that is JSON. The first byte's lowest bit asks for strict ids.
 */
#include "sink/ingestion.h"
#include "sink/otlp.h"
#include <stdlib.h>

#define ARENA_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spans(const struct sink_batch *batch)
{
	struct json_doc doc;
	struct buf line;

	json_doc_init(&doc);
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->spans[i].kind != SPAN_OBSERVATION)
			continue;
		buf_init(&line, 0);
		if (observation_json(&batch->spans[i].obs, &line) != 0 || json_parse(&doc, buf_view(&line), 0, NULL) != 0)
			abort();
		buf_done(&line);
	}
	json_doc_done(&doc);
}

static int ignore_event(void *context, const struct ingestion_event *event, struct err *err)
{
	(void)context, (void)event, (void)err;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = { (const char *)data + (size ? 1 : 0), size ? size - 1 : 0 };
	bool strict = size > 0 && data[0] & 1;

	for (int format = 0; format < 3; format++) {
		struct sink_batch batch;
		struct err err = { 0 };

		sink_batch_init(&batch, ARENA_BYTES);
		if (format == 0)
			(void)otlp_decode_protobuf(body, strict, 1, &batch, &err);
		else if (format == 1)
			(void)otlp_decode_json(body, strict, 1, &batch, &err);
		else
			(void)ingestion_read(body, SINK_V3, &batch, ignore_event, NULL, &err);
		check_spans(&batch);
		sink_batch_done(&batch);
	}
	return 0;
}
