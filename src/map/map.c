/* The one entrance of map/: chooses the request form. */
#include "map/map.h"
#include "map/map_forms.h"

int map_request(enum map_format format, const struct map_options *options, const struct observation *observations,
                const unsigned *versions, unsigned count, struct buf *out, struct err *err)
{
	if (format == MAP_INGESTION)
		return ingestion_request(options, observations, versions, count, out, err);
	return otlp_request(format == MAP_OTLP_JSON, options, observations, count, out, err);
}

const char *map_content_type(enum map_format format)
{
	return format == MAP_OTLP_PROTOBUF ? "application/x-protobuf" : "application/json";
}
