#include "prefilter.h"
#include "base/mem.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEYS 65536
#define WINDOW 4 /* bytes compared at once */
#define QUAD_MIN_BYTES 5 /* of a literal, so that one of two neighbouring quads begins at an even byte */
#define LITERALS_MAX UINT16_MAX

struct literal {
	struct slice text;
	uint32_t id;
	bool caseless;
};

/* One gram (two or four bytes) of one literal that leads to it. */
struct entry {
	uint16_t key;       /* of the gram */
	uint16_t literal;
	uint16_t gram_at;   /* the gram's place in the literal */
	uint16_t window_at; /* the window's place in the literal */
	uint32_t word, mask;
};

/* The grams of one size. */
struct index {
	uint64_t bitmap[KEYS / 64];
	uint32_t first[KEYS + 1]; /* by key: its first entry; the next key's first one ends them */
	struct entry *entries;    /* by key */
	size_t count;
};

struct prefilter {
	struct literal *literals;
	size_t literal_count;
	struct index pairs; /* exact pairs of the short literals */
	struct index quads; /* hashed quads, without case, of the others: rarely wrong */
};

static uint32_t load_window(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint16_t pair_key(const char *p)
{
	return (uint16_t)((unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8);
}

/* Bit 5 is all that tells small letters from capitals. */
static uint16_t quad_key(const char *p)
{
	return (uint16_t)(((load_window(p) | 0x20202020u) * 0x9E3779B1u) >> 16);
}

static uint64_t known(const struct index *index, uint16_t key)
{
	return index->bitmap[key >> 6] >> (key & 63) & 1;
}

struct prefilter *prefilter_new(void)
{
	return xcalloc(1, sizeof(struct prefilter));
}

void prefilter_free(struct prefilter *filter)
{
	if (!filter)
		return;
	free(filter->literals);
	free(filter->pairs.entries);
	free(filter->quads.entries);
	free(filter);
}

/* The commonest pairs of source text, prose and JSON in small letters, most common first. */
static const char common_pairs[] =
	"inonreersestdeteesthatenor\":ntarticohealetmeneedletrnsioanitisfielefngrondsitalipectex,\"paid"
	"\",riursstoasprifecgertt_ch:\"d\"lono__raveam00e_eautcamarsceharnacna**ouundillfonctuilmp_sic_t"
	"ustyopod/*s_*/keposolfomadotof);laxt_ept\"sagemnivarre\"ypim_chimoolulru_affcr{\"ies.ts01--ue\"t"
	"wi(sig_p_mocbu_ilsplt\"clludackryt(evf.owd_fa_fbehoe(\"\"rcnue.g_spepr_#de,sauc3_\"pbl()feap:{ee"
	"))_nos_d_r\\usushn_\"ipucufcs\"xpdoum\"mlttt1firoit)weai==upoo_1ldc8t,nfe)l_rggnab->r.ibscmst.fu"
	"z3(crmmieywazeobpir(ui):izba_gbon(qufr),p_sw_l},\"c_o";

/* How often to expect a pair: the n-th commonest is about n times rarer than the first. */
static unsigned pair_weight(const char *p)
{
	char low[2] = { (char)tolower((unsigned char)p[0]), (char)tolower((unsigned char)p[1]) };
	unsigned small = p[0] == low[0] && p[1] == low[1] ? 4 : 1;

	for (unsigned i = 0; i + 1 < sizeof common_pairs - 1; i += 2)
		if (memcmp(common_pairs + i, low, sizeof low) == 0)
			return small * (4096 / (i + 16) + 1);
	return 1;
}

/* Where the two neighbouring grams begin that are rarest together: one of them is at an even byte. */
static size_t rarest_grams(struct slice text, size_t gram_bytes)
{
	unsigned best = UINT_MAX;
	size_t ret = 0;

	for (size_t i = 0; i + gram_bytes < text.len && i < 64; i++) {
		unsigned weight = UINT_MAX / 2;

		/* As rare as the rarest pair that both of them have. */
		for (size_t k = gram_bytes == 2 ? 0 : 1; k + 1 < gram_bytes; k++)
			weight = pair_weight(text.ptr + i + k) < weight ? pair_weight(text.ptr + i + k) : weight;
		if (gram_bytes == 2)
			weight += pair_weight(text.ptr + i + 1);
		if (weight >= best)
			continue;
		best = weight;
		ret = i;
	}
	return ret;
}

/* Four bytes of the literal that the gram says least about. */
static void set_window(struct entry *entry, const struct literal *literal, size_t gram_bytes)
{
	size_t n = literal->text.len, at = entry->gram_at + gram_bytes;
	char word[WINDOW] = { 0 }, mask[WINDOW] = { 0 };

	if (n < WINDOW)
		at = 0;
	else if (at + WINDOW > n)
		at = entry->gram_at >= WINDOW ? 0 : n - WINDOW;
	for (size_t i = 0; i < WINDOW && at + i < n; i++) {
		char c = literal->text.ptr[at + i];
		bool any_case = literal->caseless && isalpha((unsigned char)c);

		mask[i] = (char)(any_case ? 0xDF : 0xFF);
		word[i] = (char)(c & mask[i]);
	}
	entry->window_at = (uint16_t)at;
	entry->word = load_window(word);
	entry->mask = load_window(mask);
}

static void add_entry(struct prefilter *filter, size_t literal, size_t gram_at, uint16_t key, size_t gram_bytes)
{
	struct index *index = gram_bytes == 2 ? &filter->pairs : &filter->quads;
	struct entry entry = { .key = key, .literal = (uint16_t)literal, .gram_at = (uint16_t)gram_at };

	set_window(&entry, &filter->literals[literal], gram_bytes);
	index->entries = xrealloc(index->entries, (index->count + 1) * sizeof entry);
	index->entries[index->count++] = entry;
}

/* The pair in every spelling that the literal allows. */
static void add_pair(struct prefilter *filter, size_t index, size_t at)
{
	const struct literal *literal = &filter->literals[index];
	const char *text = literal->text.ptr + at;
	unsigned variants = literal->caseless ? 4 : 1;

	for (unsigned v = 0; v < variants; v++) {
		char pair[2] = { text[0], text[1] };
		bool spelled = true;

		for (unsigned i = 0; i < 2 && literal->caseless; i++) {
			bool upper = (v >> i) & 1;

			spelled = spelled && (!upper || isalpha((unsigned char)text[i]));
			pair[i] = (char)(upper ? toupper((unsigned char)text[i]) : tolower((unsigned char)text[i]));
		}
		if (spelled)
			add_entry(filter, index, at, pair_key(pair), 2);
	}
}

bool prefilter_add(struct prefilter *filter, struct slice text, bool caseless, uint32_t id)
{
	size_t index = filter->literal_count, at;

	if (text.len < PREFILTER_MIN_BYTES || text.len > UINT16_MAX || index == LITERALS_MAX)
		return false;
	filter->literals = xrealloc(filter->literals, (index + 1) * sizeof *filter->literals);
	filter->literals[index] = (struct literal){ text, id, caseless };
	filter->literal_count++;
	if (text.len < QUAD_MIN_BYTES) {
		at = rarest_grams(text, 2);
		add_pair(filter, index, at);
		add_pair(filter, index, at + 1);
	} else {
		at = rarest_grams(text, 4);
		add_entry(filter, index, at, quad_key(text.ptr + at), 4);
		add_entry(filter, index, at + 1, quad_key(text.ptr + at + 1), 4);
	}
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->literal < y->literal ? -1 : x->literal > y->literal;
}

static void seal(struct index *index)
{
	uint32_t at = 0;

	if (index->count)
		qsort(index->entries, index->count, sizeof *index->entries, compare_entries);
	for (unsigned key = 0; key < KEYS; key++) {
		index->first[key] = at;
		while (at < index->count && index->entries[at].key == key)
			at++;
		if (at > index->first[key])
			index->bitmap[key >> 6] |= UINT64_C(1) << (key & 63);
	}
	index->first[KEYS] = at;
}

void prefilter_seal(struct prefilter *filter)
{
	seal(&filter->pairs);
	seal(&filter->quads);
}

static bool stands_at(const struct literal *literal, struct slice text, size_t at)
{
	if (text.len - at < literal->text.len)
		return false;
	if (literal->caseless)
		return strncasecmp(text.ptr + at, literal->text.ptr, literal->text.len) == 0;
	return memcmp(text.ptr + at, literal->text.ptr, literal->text.len) == 0;
}

/* One search. */
struct search {
	const struct prefilter *filter;
	struct slice text;
	prefilter_fn *hit;
	void *context;
};

static int try_key(const struct search *search, const struct index *index, uint16_t key, size_t pos)
{
	const struct entry *entry = &index->entries[index->first[key]], *end = &index->entries[index->first[key + 1u]];
	struct slice text = search->text;
	int rc = 0;

	for (; entry < end && rc >= 0; entry++) {
		const struct literal *literal = &search->filter->literals[entry->literal];
		size_t at = pos - entry->gram_at, window = at + entry->window_at;

		if (pos < entry->gram_at)
			continue;
		if (window + WINDOW <= text.len && (load_window(text.ptr + window) & entry->mask) != entry->word)
			continue;
		if (stands_at(literal, text, at))
			rc = search->hit(search->context, literal->id, at);
	}
	return rc;
}

static int try_place(const struct search *search, size_t pos)
{
	const struct prefilter *filter = search->filter;
	const char *p = search->text.ptr + pos;
	uint16_t pair = pair_key(p);
	int rc = 0;

	if (known(&filter->pairs, pair))
		rc = try_key(search, &filter->pairs, pair, pos);
	if (rc >= 0 && pos + 4 <= search->text.len && known(&filter->quads, quad_key(p)))
		rc = try_key(search, &filter->quads, quad_key(p), pos);
	return rc;
}

static uint64_t any_known(const struct prefilter *filter, const char *p)
{
	return known(&filter->pairs, pair_key(p)) | known(&filter->quads, quad_key(p));
}

int prefilter_search(const struct prefilter *filter, struct slice text, prefilter_fn *hit, void *context)
{
	const struct search search = { filter, text, hit, context };
	const char *p = text.ptr;
	size_t pos = 0;
	int rc = 0;

	if (!filter->literal_count)
		return 0;
	/* Quads read two bytes past the eight. */
	for (; pos + 10 <= text.len && rc >= 0; pos += 8) {
		if (!(any_known(filter, p + pos) | any_known(filter, p + pos + 2) | any_known(filter, p + pos + 4) |
		      any_known(filter, p + pos + 6)))
			continue;
		for (size_t i = 0; i < 8 && rc >= 0; i += 2)
			rc = try_place(&search, pos + i);
	}
	for (; pos + 2 <= text.len && rc >= 0; pos += 2)
		rc = try_place(&search, pos);
	return rc < 0 ? rc : 0;
}
