/* The request forms, for map.c. Private to map/. */
#ifndef LF_MAP_FORMS_H
#define LF_MAP_FORMS_H
#include "map/map.h"

/* An OTLP ExportTraceServiceRequest, as protobuf or as JSON. */
int otlp_request(bool json, const struct map_options *options, const struct observation *observations,
                 unsigned count, struct buf *out, struct err *err);
/* {"batch":[…]} for /api/public/ingestion. */
int ingestion_request(const struct map_options *options, const struct observation *observations,
                      const unsigned *versions, unsigned count, struct buf *out, struct err *err);

#endif
