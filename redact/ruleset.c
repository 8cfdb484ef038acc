/* Compiles the rule table and the user's additions; finds for each literal the pair of bytes to look for. */
#include "ruleset.h"
#include "rules.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdlib.h>

#define DEFAULT_FIELD_BYTES (256u * 1024u)
#define DEFAULT_RECORD_BYTES (4u * 1024u * 1024u)

static const struct {
	const char *name;
	enum redact_mode mode;
} modes[] = {
	{ "full", MODE_FULL }, { "metadata_only", MODE_METADATA_ONLY }, { "off", MODE_OFF },
};

int redact_mode_parse(const char *text, enum redact_mode *ret)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(text, modes[i].name) != 0)
			continue;
		*ret = modes[i].mode;
		return 0;
	}
	return LF_EINVAL;
}

const char *redact_mode_name(enum redact_mode mode)
{
	return modes[mode].name;
}

/* The most common pairs of bytes in source, prose and JSON that literals have, the most common first; 0 is any digit. */
static const char common_pairs[] =
	"00deeref0aoninsetereatesstenormetiarthntioleelaltoracoetngitantarosiistyedssyptr"
	"asparindamrtprlinagelot_ctutneurcefiidlacaecomile0di:0mpe_veoprstuemacc0maealfke"
	"ouchfffo_tncpls_odimagicpt_eunhaadpo_sfeieusevdafctshia0_puls.e.hor.valsocberyai"
	"ooofwenipucl//0csosa_asud_cksh_lswapspldeyb0ibrdt.ipr_quigiz0e_mg_mscrru0.rgoktt";

static unsigned byte_weight(unsigned char c)
{
	static const char common[] = " etaoinsrlchdpum_-fg=.yb/vwk0:1x";
	const char *at = c ? strchr(common, tolower(c)) : NULL;
	unsigned weight = at ? (unsigned)(sizeof common - (size_t)(at - common)) : 1;

	return isupper(c) ? 1 + weight / 6 : weight;
}

/* How often a pair is met: the rarest one of a literal is looked for. */
static unsigned pair_weight(const char *at, bool caseless)
{
	char pair[2];

	for (unsigned i = 0; i < 2; i++) {
		pair[i] = isdigit((unsigned char)at[i]) ? '0' : at[i];
		if (caseless)
			pair[i] = (char)tolower((unsigned char)pair[i]);
	}
	for (unsigned i = 0; i + 1 < sizeof common_pairs; i += 2)
		if (memcmp(common_pairs + i, pair, 2) == 0)
			return UINT16_MAX - i;
	return byte_weight((unsigned char)at[0]) * byte_weight((unsigned char)at[1]);
}

static uint16_t rarest_pair(struct slice text, bool caseless)
{
	unsigned best = UINT32_MAX;
	uint16_t ret = 0;

	for (size_t i = 0; i + 1 < text.len && i < 64; i++) {
		unsigned weight = pair_weight(text.ptr + i, caseless);

		if (weight >= best)
			continue;
		best = weight;
		ret = (uint16_t)i;
	}
	return ret;
}

static void add_entry(struct ruleset *rules, const char pair[2], unsigned literal)
{
	uint16_t key = pair_of(pair);

	rules->entries[rules->entry_count] = (struct pair_entry){ (uint16_t)literal, rules->head[key] };
	rules->head[key] = (uint16_t)++rules->entry_count;
	rules->bitmap[key >> 6] |= UINT64_C(1) << (key & 63);
}

/* The pair in every spelling that the literal allows. */
static void add_pair(struct ruleset *rules, unsigned index)
{
	const struct literal *literal = &rules->literals[index];
	const char *at = literal->text.ptr + literal->pair_at;
	unsigned variants = literal->caseless ? 4 : 1;

	for (unsigned v = 0; v < variants; v++) {
		char pair[2] = { at[0], at[1] };

		if (literal->caseless) {
			pair[0] = (char)((v & 1) ? toupper((unsigned char)at[0]) : tolower((unsigned char)at[0]));
			pair[1] = (char)((v & 2) ? toupper((unsigned char)at[1]) : tolower((unsigned char)at[1]));
			if (((v & 1) && pair[0] == tolower((unsigned char)at[0])) ||
			    ((v & 2) && pair[1] == tolower((unsigned char)at[1])))
				continue; /* has no case */
		}
		add_entry(rules, pair, index);
	}
}

static void free_text(const char *text)
{
	union {
		const char *in;
		void *out;
	} u = { .in = text };

	free(u.out);
}

int ruleset_add_literal(struct ruleset *rules, const struct literal *literal, struct err *err)
{
	unsigned index = rules->literal_count;

	if (rules->entry_count > UINT16_MAX - 8 || index > UINT16_MAX - 8) {
		free_text(literal->text.ptr);
		return err_set(err, LF_EINVAL, "more than %u literals and denied values", index);
	}
	rules->literals = xrealloc(rules->literals, (index + 1) * sizeof *rules->literals);
	rules->entries = xrealloc(rules->entries, (rules->entry_count + 4) * sizeof *rules->entries);
	rules->literals[index] = *literal;
	rules->literals[index].pair_at = rarest_pair(literal->text, literal->caseless);
	rules->literal_count++;
	add_pair(rules, index);
	return 0;
}

unsigned ruleset_add_rule(struct ruleset *rules, const struct rule *rule)
{
	rules->rules = xrealloc(rules->rules, (rules->count + 1) * sizeof *rules->rules);
	rules->rules[rules->count] = *rule;
	return rules->count++;
}

static int add_literals(struct ruleset *rules, const struct rule_row *row, unsigned rule, struct err *err)
{
	for (const char *at = row->literals; *at;) {
		size_t n = strcspn(at, " ");
		struct literal literal = { .rule = (uint16_t)rule, .caseless = row->caseless };
		char *text;
		int rc;

		if (n < 2)
			return err_set(err, LF_EINVAL, "rule %s: a literal of one byte", row->name);
		text = xmemdup0(at, n);
		for (char *tab = text; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		literal.text = (struct slice){ text, n };
		rc = ruleset_add_literal(rules, &literal, err);
		if (rc)
			return rc;
		at += n + strspn(at + n, " ");
	}
	return 0;
}

static int add_row(struct ruleset *rules, const struct rule_row *row, struct err *err)
{
	struct rule rule = { .name = row->name, .group = row->group, .check = row->check };
	unsigned flags = PATTERN_ANCHORED | (row->caseless ? (unsigned)PATTERN_CASELESS : 0u);
	int rc;

	if (row->pattern) {
		size_t offset = 0;

		rc = pattern_new(slice_of(row->pattern), flags, &rule.pattern, &offset, err);
		if (rc) {
			err_prefix(err, "rule %s, column %zu", row->name, offset + 1);
			return rc;
		}
	}
	return add_literals(rules, row, ruleset_add_rule(rules, &rule), err);
}

int ruleset_new(const struct redact_options *options, struct ruleset **ret, struct err *err)
{
	struct ruleset *rules = xcalloc(1, sizeof *rules);
	int rc = 0;

	rules->options = (struct redact_options){
		.mode = options->mode,
		.max_field_bytes = options->max_field_bytes ? options->max_field_bytes : DEFAULT_FIELD_BYTES,
		.max_record_bytes = options->max_record_bytes ? options->max_record_bytes : DEFAULT_RECORD_BYTES,
	};
	for (unsigned i = 0; i < rule_table_count && !rc; i++) {
		if (strcmp(rule_table[i].name, RULE_KEY_NAME) == 0)
			rules->key_rule = i;
		if (strcmp(rule_table[i].name, RULE_DENIED) == 0)
			rules->denied_rule = i;
		rc = add_row(rules, &rule_table[i], err);
	}
	if (!rc)
		rc = ruleset_input(rules, options, err);
	if (rc) {
		ruleset_free(rules);
		return rc;
	}
	*ret = rules;
	return 0;
}

void ruleset_free(struct ruleset *rules)
{
	if (!rules)
		return;
	for (unsigned i = 0; i < rules->count; i++) {
		pattern_free(rules->rules[i].pattern);
		if (rules->rules[i].user)
			free_text(rules->rules[i].name);
	}
	for (unsigned i = 0; i < rules->literal_count; i++)
		free_text(rules->literals[i].text.ptr);
	for (unsigned i = 0; i < rules->allowed_count; i++)
		free(rules->allowed[i]);
	for (unsigned i = 0; i < rules->allow_pattern_count; i++)
		pattern_free(rules->allow_patterns[i]);
	free(rules->allowed);
	free(rules->allowed_len);
	free(rules->allow_patterns);
	free(rules->entries);
	free(rules->literals);
	free(rules->rules);
	free(rules);
}

unsigned ruleset_count(const struct ruleset *rules)
{
	return rules->count;
}

const char *ruleset_name(const struct ruleset *rules, unsigned index)
{
	if (index < rules->count)
		return rules->rules[index].name;
	return index == rules->count ? RULE_LIMIT : NULL;
}
