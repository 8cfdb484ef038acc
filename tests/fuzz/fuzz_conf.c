/*
 * Any bytes as a configuration file, and its lines as what the command line sets. No crash; an error has words, and they and the values that
 * are shown are plain text.
 */
#include "conf/conf.h"
#include "scratch.h"
#include <fcntl.h>
#include <string.h>

#define MAX_LINES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plain_text(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
}

static void load(const char *file, const char *const *overrides)
{
	struct conf *conf = NULL;
	struct err err = { 0 };

	if (conf_load(file, overrides, &conf, &err) != 0) {
		if (!err.text[0])
			abort();
		plain_text(err.text);
		return;
	}
	for (unsigned i = 0; i < conf_option_count; i++) {
		const char *text = conf_value_text(conf, i), *where;

		if (text)
			plain_text(text);
		(void)conf_origin(conf, i, &where);
	}
	conf_free(conf);
}

static void load_file(const uint8_t *data, size_t size)
{
	char path[300];
	int fd;

	snprintf(path, sizeof path, "%s/lfspool.conf", scratch());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	load(path, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *overrides[MAX_LINES + 1] = { NULL };
	char *text = malloc(size + 1), *rest;
	size_t count = 0;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = strtok_r(text, "\n", &rest); line && count < MAX_LINES; line = strtok_r(NULL, "\n", &rest))
		overrides[count++] = line;
	load("/dev/null", overrides);
	free(text);
	load_file(data, size);
	return 0;
}
