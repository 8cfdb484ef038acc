/* See headers.h. */
#include "ship/headers.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include <stdlib.h>
#include <strings.h>

#define NAME_BYTES "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define MAX_LINE_BYTES 16384

void headers_init(struct headers *headers)
{
	memset(headers, 0, sizeof *headers);
}

static void wipe(char *line)
{
	explicit_bzero(line, strlen(line));
	free(line);
}

void headers_done(struct headers *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		wipe(headers->lines[i]);
	headers_init(headers);
}

static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!name.ptr[i] || !strchr(NAME_BYTES, name.ptr[i]))
			return false;
	return name.len > 0;
}

static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return false;
	return true;
}

static char **find(struct headers *headers, struct slice name)
{
	for (size_t i = 0; i < headers->count; i++)
		if (strncasecmp(headers->lines[i], name.ptr, name.len) == 0 && headers->lines[i][name.len] == ':')
			return &headers->lines[i];
	return NULL;
}

int headers_put(struct headers *headers, struct slice name, struct slice value, struct err *err)
{
	struct buf line;
	char **place;

	if (!is_name(name) || !is_value(value) || name.len + value.len > MAX_LINE_BYTES)
		return err_set(err, LF_EINVAL, "a header that cannot be sent");
	place = find(headers, name);
	if (!place && headers->count == HEADERS_MAX)
		return err_set(err, LF_EINVAL, "more than %d headers", HEADERS_MAX);
	buf_init(&line, 0);
	buf_format(&line, "%.*s:%s%.*s", (int)name.len, name.ptr, value.len > 0 ? " " : "", (int)value.len, value.ptr);
	if (value.len == 0) /* libcurl's way to send a header without a value */
		line.data[line.len - 1] = ';';
	if (place)
		wipe(*place);
	else
		place = &headers->lines[headers->count++];
	*place = buf_take(&line, NULL);
	return 0;
}

static int unhex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void percent_decode(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		bool escape = text.ptr[i] == '%' && i + 2 < text.len && unhex(text.ptr[i + 1]) >= 0 && unhex(text.ptr[i + 2]) >= 0;
		buf_char(out, escape ? (char)(unhex(text.ptr[i + 1]) * 16 + unhex(text.ptr[i + 2])) : text.ptr[i]);
		i += escape ? 2 : 0;
	}
}

static void buf_wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap_bytes);
	buf_done(buf);
}

int headers_put_list(struct headers *headers, const char *list, struct err *err)
{
	struct slice name, value;
	int rc = 0;

	while (rc == 0 && list_pair_next(&list, &name, &value)) {
		struct buf plain;
		buf_init(&plain, 0);
		percent_decode(value, &plain);
		rc = headers_put(headers, name, buf_view(&plain), err);
		buf_wipe(&plain);
	}
	return rc;
}

int headers_put_json(struct headers *headers, struct slice json, struct err *err)
{
	struct json_doc doc;
	struct buf name, value;
	int rc;

	json_doc_init(&doc);
	buf_init(&name, 0);
	buf_init(&value, 0);
	rc = json_parse(&doc, json, 1000, NULL);
	if (rc != 0 || json_type_of(&doc, 0) != JSON_OBJECT)
		rc = err_set(err, LF_EINVAL, "it prints no JSON object");
	for (int32_t node = rc == 0 ? doc.nodes[0].first : JSON_NONE; rc == 0 && node != JSON_NONE; node = doc.nodes[node].next) {
		buf_clear(&name);
		buf_clear(&value);
		if (json_unescape(doc.nodes[node].key, &name) != 0 || json_text(&doc, node, &value) != 0)
			rc = err_set(err, LF_EINVAL, "it prints an object whose values are not all texts");
		else
			rc = headers_put(headers, buf_view(&name), buf_view(&value), err);
	}
	buf_done(&name);
	buf_wipe(&value);
	json_doc_done(&doc);
	return rc;
}

int headers_put_all(struct headers *headers, const struct headers *more, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < more->count; i++) {
		const char *line = more->lines[i], *value = line + strcspn(line, ":;");
		rc = headers_put(headers, (struct slice){ line, (size_t)(value - line) }, slice_of(*value == ':' ? value + 2 : ""), err);
	}
	return rc;
}
