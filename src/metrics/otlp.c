/* What both forms of OTLP share, and the answer; see otlp.h. */
#include "metrics/otlp.h"
#include "base/json.h"
#include "metrics/otlp_private.h"
#include <inttypes.h>
#include <stdio.h>

struct otlp_times otlp_times(const struct otlp_context *context, const struct metric_family *family)
{
	bool delta = family->kind != METRIC_GAUGE && (context->temporality == METRICS_DELTA ||
	                                              (context->temporality == METRICS_LOW_MEMORY && !family->own));

	return (struct otlp_times){
		.delta = delta,
		.start_ns = (uint64_t)(delta ? context->delta_start_ms : context->start_ms) * OTLP_NANOS_PER_MS,
		.time_ns = (uint64_t)(delta ? context->delta_time_ms : context->time_ms) * OTLP_NANOS_PER_MS,
	};
}

/* ---- the answer ---- */

static bool take_varint(struct slice *rest, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && rest->len > 0; shift += 7) {
		uint8_t byte = (uint8_t)rest->ptr[0];
		*rest = (struct slice){ rest->ptr + 1, rest->len - 1 };
		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool take_bytes(struct slice *rest, struct slice *ret)
{
	uint64_t n;

	if (!take_varint(rest, &n) || n > rest->len)
		return false;
	*ret = (struct slice){ rest->ptr, (size_t)n };
	*rest = (struct slice){ rest->ptr + n, rest->len - (size_t)n };
	return true;
}

/* Field 1 of a message: as bytes or as a number; the others are passed over. */
static bool field_one(struct slice message, struct slice *ret_bytes, uint64_t *ret_number)
{
	uint64_t tag, number;
	struct slice bytes;

	while (message.len > 0 && take_varint(&message, &tag)) {
		if ((tag & 7) == 0 && take_varint(&message, &number)) {
			*ret_number = number;
			if (tag >> 3 == 1)
				return true;
		} else if ((tag & 7) == 2 && take_bytes(&message, &bytes)) {
			*ret_bytes = bytes;
			if (tag >> 3 == 1)
				return true;
		} else {
			return false;
		}
	}
	return false;
}

static uint64_t rejected_json(struct slice answer)
{
	struct json_doc doc;
	int32_t node;
	int64_t n = 0;

	json_doc_init(&doc);
	if (json_parse(&doc, answer, 10000, NULL) == 0) {
		node = json_path(&doc, 0, "partialSuccess.rejectedDataPoints");
		n = json_int(&doc, node, 0);
		if (json_type_of(&doc, node) == JSON_STRING)
			(void)!sscanf(json_raw(&doc, node).ptr, "\"%" SCNd64 "\"", &n);
	}
	json_doc_done(&doc);
	return n > 0 ? (uint64_t)n : 0;
}

uint64_t otlp_rejected(struct slice answer, bool json)
{
	struct slice partial = SLICE_NONE;
	uint64_t number = 0;

	if (json)
		return rejected_json(answer);
	if (!field_one(answer, &partial, &number) || !partial.ptr)
		return 0;
	number = 0;
	return field_one(partial, &(struct slice){ NULL, 0 }, &number) && number <= INT64_MAX ? number : 0;
}
