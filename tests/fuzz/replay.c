/* main() of a fuzz target that is built without libFuzzer: gives it each file named, and an empty input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0, cap = 65536, n;
	uint8_t *data = malloc(cap);

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
	/* Exactly as large as the input, so that the address sanitizer sees a read behind it. */
	data = realloc(data, size ? size : 1);
	if (!data)
		abort();
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs\n", argc);
	return EXIT_SUCCESS;
}
