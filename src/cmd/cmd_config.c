/* lfspool config: every option, its value and where it came from. */
#include "cmd/cmd.h"

static const char *origin_name(enum conf_origin origin)
{
	static const char *const names[] = { "default", "file", "environment", "command line" };

	return names[origin];
}

static void print_json(const struct conf *conf)
{
	struct buf text;
	struct json_writer out;

	buf_init(&text, 0);
	json_writer_init(&out, &text);
	jw_array(&out);
	for (unsigned i = 0; i < conf_option_count; i++) {
		const char *where = NULL;
		enum conf_origin origin = conf_origin(conf, i, &where);
		jw_object(&out);
		jw_key(&out, "name");
		jw_text(&out, conf_options[i].name);
		jw_key(&out, "value");
		jw_text(&out, conf_value_text(conf, i));
		jw_key(&out, "origin");
		jw_text(&out, origin_name(origin));
		jw_key(&out, "where");
		jw_text(&out, where);
		jw_key(&out, "help");
		jw_text(&out, conf_options[i].help);
		jw_object_close(&out);
	}
	jw_array_close(&out);
	puts(text.data);
	buf_done(&text);
}

int cmd_config(struct cmd_args *args)
{
	if (cmd_flag(args, "json")) {
		print_json(args->conf);
		return EXIT_DONE;
	}
	for (unsigned i = 0; i < conf_option_count; i++) {
		const char *where = NULL, *value = conf_value_text(args->conf, i);
		enum conf_origin origin = conf_origin(args->conf, i, &where);
		printf("%-20s = %-40s # %s%s%s\n", conf_options[i].name, value ? value : "", origin_name(origin), where ? " " : "",
		       where ? where : "");
	}
	return EXIT_DONE;
}
