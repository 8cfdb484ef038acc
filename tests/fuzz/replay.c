/*
 * main() of a fuzz target that is built without libFuzzer: gives it an empty input, each file named, and each line of a file NAME.hex.
 *   TARGET --unpack FOLDER FILE.hex...     writes those lines as files for libFuzzer instead
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *unpack_to; /* NULL: run */
static unsigned inputs;

static void give(const uint8_t *data, size_t size)
{
	char path[4096];
	FILE *file;

	inputs++;
	if (!unpack_to) {
		LLVMFuzzerTestOneInput(data, size);
		return;
	}
	snprintf(path, sizeof path, "%s/%u", unpack_to, inputs);
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
		fprintf(stderr, "cannot write %s\n", path);
		exit(EXIT_FAILURE);
	}
}

/* Exactly as large as the input, so that the address sanitizer sees a read behind it. */
static uint8_t *exactly(size_t size)
{
	uint8_t *data = malloc(size ? size : 1);

	if (!data)
		abort();
	return data;
}

static uint8_t *read_whole(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0, cap = 65536, n;
	uint8_t *data = malloc(cap), *fitting;

	if (!file || !data) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	while ((n = fread(data + size, 1, cap - size, file)) > 0) {
		size += n;
		if (size < cap)
			continue;
		cap *= 2;
		data = realloc(data, cap);
		if (!data)
			abort();
	}
	fclose(file);
	fitting = exactly(size);
	memcpy(fitting, data, size);
	free(data);
	*ret_size = size;
	return fitting;
}

static void give_hex(const char *line, size_t n)
{
	uint8_t *data = exactly(n / 2);

	for (size_t i = 0; i < n / 2; i++) {
		char digits[3] = { line[2 * i], line[2 * i + 1], '\0' }, *end;
		data[i] = (uint8_t)strtoul(digits, &end, 16);
		if (*end) {
			fprintf(stderr, "not hexadecimal: %.*s\n", n < 80 ? (int)n : 80, line);
			exit(EXIT_FAILURE);
		}
	}
	give(data, n / 2);
	free(data);
}

static void replay(const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t size;
	uint8_t *data = read_whole(path, &size);

	if (dot && strcmp(dot, ".hex") == 0) {
		const char *text = (const char *)data, *newline;
		for (size_t at = 0; at < size; at = (size_t)(newline - text) + 1) {
			newline = memchr(text + at, '\n', size - at);
			if (!newline)
				newline = text + size;
			give_hex(text + at, (size_t)(newline - text) - at);
		}
	} else {
		give(data, size);
	}
	free(data);
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "--unpack") == 0) {
		unpack_to = argv[2];
		first = 3;
	} else {
		give((const uint8_t *)"", 0);
	}
	for (int i = first; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", inputs);
	return EXIT_SUCCESS;
}
