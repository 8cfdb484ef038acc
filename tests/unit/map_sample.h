/* One observation with every field set, for the tests of map/ and for tests/t/protoc.sh. */
#ifndef LF_TESTS_MAP_SAMPLE_H
#define LF_TESTS_MAP_SAMPLE_H
#include "map/map.h"

static const struct map_options sample_options = {
	.trace_prefix = "team: ", .environment = "Prod.X", .release = "r1", .user_id = "ada",
	.tags = "one, two,,three ", .version = "1.2.3", .host_name = "box",
};

static inline struct observation sample_observation(void)
{
	struct observation observation = {
		.type = OBS_GENERATION, .level = OBS_ERROR,
		.name = SLICE("assistant-response"), .source = SLICE("opencode"),
		.session = SLICE("ses_root"), .own_session = SLICE("ses_child"),
		.message = SLICE("msg_1"), .part = SLICE("prt_1"), .title = SLICE("Fix the b\xc3\xbcg"),
		.start_ms = 1795233553671, .end_ms = 1795233555000, .completion_start_ms = 1795233554001,
		.status = SLICE("it broke"), .model = SLICE("claude-sonnet-4-5"), .provider = SLICE("anthropic"),
		.model_parameters = SLICE("{\"temperature\":0.5,\"thinking\":{\"budget\":9},\"none\":null}"),
		.input = SLICE("[{\"role\":\"user\",\"content\":\"hi\"}]"), .output = SLICE("\"line\\nb\\u00e4r\""),
		.usage = { .input = 0, .output = 25, .reasoning = 7, .cache_read = 300, .cache_write = 0 },
		.cost = SLICE("0.0123400"),
		.metadata = SLICE("{\"agent\":\"build\",\"message\":\"own\",\"n\":[1,2]}"),
	};

	for (unsigned i = 0; i < sizeof(observation.trace_id); i++)
		observation.trace_id[i] = (uint8_t)(0xa0 + i);
	for (unsigned i = 0; i < sizeof(observation.span_id); i++) {
		observation.span_id[i] = (uint8_t)(0x10 + i);
		observation.parent_id[i] = (uint8_t)(0x20 + i);
	}
	return observation;
}

#endif
