/* Writes a request with the sample observation, and one with a text long enough for long lengths, to standard output. */
#include "map_sample.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct observation observations[2] = { sample_observation(), sample_observation() };
	struct buf out, text;
	struct err err;
	int rc;

	buf_init(&out, 0);
	buf_init(&text, 0);
	buf_char(&text, '"');
	for (unsigned i = 0; i < 70000; i++)
		buf_char(&text, 'x');
	buf_char(&text, '"');
	memset(observations[1].parent_id, 0, sizeof(observations[1].parent_id));
	observations[1].span_id[0] = 0x99;
	observations[1].level = OBS_DEFAULT;
	observations[1].input = buf_view(&text);
	rc = map_request(MAP_OTLP_PROTOBUF, &sample_options, observations, NULL, 2, &out, &err);
	if (rc != 0)
		fprintf(stderr, "otlp_dump: %s\n", err.text);
	else if (fwrite(out.data, 1, out.len, stdout) != out.len)
		rc = -1;
	buf_done(&out);
	buf_done(&text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
