#include "prefilter.h"
#include "base/mem.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 65536
#define GRAM 4       /* bytes: two pairs side by side, the first at an even place of the text */
#define WINDOW 4     /* bytes compared at once */
#define BUCKETS 16
#define STRIDE 16   /* bytes looked at at once */
#define GATHERED 32 /* strides, before they are looked at more closely */
#define SLOT_BITS 12
#define SLOTS (1u << SLOT_BITS)
#define MARK_BITS 16
#define LITERALS_MAX UINT16_MAX

struct literal {
	struct slice text;
	char *word, *mask; /* of each byte: what it must be, in the bits that matter */
	uint32_t id;
	bool caseless;
};

/* Which of a gram's four bytes the literal says. */
enum known { KNOWN_ALL, KNOWN_HEAD, KNOWN_TAIL, KNOWN_COUNT };
static const unsigned char known_bytes[KNOWN_COUNT][GRAM] = {
	[KNOWN_ALL] = { 0xFF, 0xFF, 0xFF, 0xFF }, [KNOWN_HEAD] = { 0xFF, 0xFF, 0xFF, 0 }, [KNOWN_TAIL] = { 0, 0xFF, 0xFF, 0xFF },
};

/* A gram that leads to a literal. Each literal has two: for where it begins at an even place, and at an odd one. */
struct entry {
	uint32_t slot;
	uint32_t word, mask; /* of the window */
	uint16_t literal;
	int16_t gram_at;     /* the gram's place in the literal; -1: one byte before it */
	uint16_t window_at;  /* the window's place in the literal */
};

struct prefilter {
	struct literal *literals;
	size_t literal_count;
	struct entry *entries; /* by slot */
	size_t entry_count;
	uint32_t first[SLOTS + 1]; /* by slot: its first entry; the next one's first ends them */
	uint64_t marks[(1u << MARK_BITS) / 64]; /* one bit for each gram that there is, by more of its hash than the slot */
	/* By pair of bytes: the buckets with a gram that begins with it, and above them those with one that ends with it.
	 * A gram can stand where both pairs have a bucket in common. */
	uint32_t buckets[PAIRS];
};

static uint32_t load_window(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint16_t load_pair(const char *p)
{
	uint16_t pair;

	memcpy(&pair, p, sizeof pair);
	return pair;
}

/* Bit 5 is all that tells small letters from capitals. */
static uint32_t gram_hash(uint32_t gram, enum known known)
{
	uint32_t bytes = (gram | 0x20202020u) & load_window((const char *)known_bytes[known]);

	return bytes * 0x9E3779B1u + known * 0x85EBCA6Bu;
}

static uint32_t slot_of(uint32_t hash)
{
	return hash >> (32 - SLOT_BITS);
}

static bool is_marked(const struct prefilter *filter, uint32_t hash)
{
	return filter->marks[hash >> (32 - MARK_BITS) >> 6] >> (hash >> (32 - MARK_BITS) & 63) & 1;
}

static void set_mark(struct prefilter *filter, uint32_t hash)
{
	filter->marks[hash >> (32 - MARK_BITS) >> 6] |= UINT64_C(1) << (hash >> (32 - MARK_BITS) & 63);
}

struct prefilter *prefilter_new(void)
{
	return xcalloc(1, sizeof(struct prefilter));
}

void prefilter_free(struct prefilter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->literal_count; i++)
		free(filter->literals[i].word);
	free(filter->literals);
	free(filter->entries);
	free(filter);
}

static void set_words(struct literal *literal)
{
	literal->mask = literal->word + literal->text.len;
	for (size_t i = 0; i < literal->text.len; i++) {
		char c = literal->text.ptr[i];
		bool any_case = literal->caseless && isalpha((unsigned char)c);

		literal->mask[i] = (char)(any_case ? 0xDF : 0xFF);
		literal->word[i] = (char)(c & literal->mask[i]);
	}
}

bool prefilter_add(struct prefilter *filter, struct slice text, bool caseless, uint32_t id)
{
	size_t index = filter->literal_count;

	if (text.len < PREFILTER_MIN_BYTES || text.len > INT16_MAX || index == LITERALS_MAX)
		return false;
	filter->literals = xrealloc(filter->literals, (index + 1) * sizeof *filter->literals);
	filter->literals[index] = (struct literal){ .text = text, .word = xmalloc(2 * text.len), .id = id, .caseless = caseless };
	set_words(&filter->literals[index]);
	filter->literal_count++;
	return true;
}

/* ---- how often to expect what ---- */

/* The commonest pairs of bytes in source text, prose and JSON, in small letters, most common first. */
static const char common_pairs[] =
	"  \":,\"oner\",es, :\"insestd\" aret tee id \"atdetien tthntnsoranco\"smess\n io s{\"s ;\ne\"siarhet\"ed\"ttan"
	"g00ror ct otrit: pe cleto in  l\"p:{rtd prutrialouges\"lipalot_ea,\n\"i\"meta icag= iscenind); *01g mochruve. "
	"},ol1fevf elecfcaskec8 =odexneweoo_1 w f pucdisoop\"ccauradtyff79sw_e->fis_ha}}fe ril37rc0,}\nothoomoffaacllie"
	"y  n03\n\nemr.\\\"sayp17 eraune0fonoxtus:1ms 0{\npumabupoif (\"e mdarre_\n{ b==tu52l\":0 {o 2395 dts\"riml 38/"
	"dhisp }\"aam)\n\"}_tluc wolde,dona\"figlash(sncrse.\"dvaakulokrncl) owt,osirg_ 1o\"ueplvicr81rymp\"bsgoc87n\"n"
	"_eie(eet(eflyaiptvtrkab_sep; ov &\" yog\"uih\"t.h 80wr86ups,apmi vnfe-be ulsqusua\"e/blnurmeypinptp(&sr/sy\"js"
	"wh10{ \n}oin,ltobr)slrd85n.\")wi y\nsv//hivc/m  -izeq_i_mpd78\"/d_bal_frt)bo77gr2036\\nf_e1voibttudum\"ozel,11"
	"* by\"\n haywaufip7a1202u rgs..\nau_cckgirv58e)9932 |mm33 g| k afub_dr,1a24jecc88";

/* While the filter is sealed. */
struct sealing {
	struct prefilter *filter;
	uint32_t weights[PAIRS];               /* by pair: about how often it stands in a text */
	uint64_t begins[BUCKETS], ends[BUCKETS]; /* by bucket: the weights of the pairs that its grams begin and end with */
};

/* In 65,536 places. */
static void weigh_pairs(struct sealing *sealing)
{
	for (unsigned i = ' '; i < 0x7F; i++)
		for (unsigned k = ' '; k < 0x7F; k++)
			sealing->weights[load_pair((const char[]){ (char)i, (char)k })] = 2;
	for (unsigned i = 0; i + 1 < sizeof common_pairs; i += 2) {
		uint32_t weight = 20000 / (i / 2 + 40);

		for (unsigned v = 4; v-- > 0;) {
			char pair[2] = { common_pairs[i], common_pairs[i + 1] };

			pair[0] = (char)(v & 1 ? toupper((unsigned char)pair[0]) : pair[0]);
			pair[1] = (char)(v & 2 ? toupper((unsigned char)pair[1]) : pair[1]);
			sealing->weights[load_pair(pair)] = v ? weight / 8 : weight;
		}
	}
}

/* A gram as it is looked for: some bytes may be in either case, some may be any. */
struct gram {
	char bytes[GRAM];
	enum known known;
	bool caseless;
};

/* The spellings of one of its bytes. */
static unsigned spell(const struct gram *gram, unsigned at, unsigned char out[256])
{
	unsigned char c = (unsigned char)gram->bytes[at];

	if (!known_bytes[gram->known][at]) {
		for (unsigned i = 0; i < 256; i++)
			out[i] = (unsigned char)i;
		return 256;
	}
	out[0] = (unsigned char)(gram->caseless ? tolower(c) : c);
	out[1] = (unsigned char)toupper(c);
	return gram->caseless && isalpha(c) ? 2 : 1;
}

/* The pairs that one half of a gram can be. */
struct spellings {
	unsigned char first[256], second[256];
	unsigned firsts, seconds;
};

static void spell_half(const struct gram *gram, unsigned half, struct spellings *ret)
{
	ret->firsts = spell(gram, 2 * half, ret->first);
	ret->seconds = spell(gram, 2 * half + 1, ret->second);
}

static uint16_t spelling(const struct spellings *spellings, unsigned i, unsigned k)
{
	const char pair[2] = { (char)spellings->first[i], (char)spellings->second[k] };

	return load_pair(pair);
}

/* By bucket: the weights of those that it has not. shift: of the bits of this half. */
static void weigh_half(const struct sealing *sealing, const struct spellings *spellings, unsigned shift, uint64_t ret[BUCKETS])
{
	memset(ret, 0, BUCKETS * sizeof *ret);
	for (unsigned i = 0; i < spellings->firsts; i++) {
		for (unsigned k = 0; k < spellings->seconds; k++) {
			uint16_t index = spelling(spellings, i, k);
			uint32_t weight = sealing->weights[index], others = ~(sealing->filter->buckets[index] >> shift) & (uint32_t)UINT16_MAX;

			for (; weight && others; others &= others - 1)
				ret[__builtin_ctz(others)] += weight;
		}
	}
}

static void give_half(struct sealing *sealing, const struct spellings *spellings, uint32_t bit)
{
	for (unsigned i = 0; i < spellings->firsts; i++)
		for (unsigned k = 0; k < spellings->seconds; k++)
			sealing->filter->buckets[spelling(spellings, i, k)] |= bit;
}

/* Into the bucket that gets the fewest false alarms by it. */
static void put_into_bucket(struct sealing *sealing, const struct gram *gram)
{
	struct spellings head, tail;
	uint64_t begins[BUCKETS], ends[BUCKETS], best = UINT64_MAX;
	unsigned bucket = 0;

	spell_half(gram, 0, &head);
	spell_half(gram, 1, &tail);
	weigh_half(sealing, &head, 0, begins);
	weigh_half(sealing, &tail, BUCKETS, ends);
	for (unsigned i = 0; i < BUCKETS; i++) {
		uint64_t begin = sealing->begins[i] + begins[i], end = sealing->ends[i] + ends[i];
		uint64_t more = begin * end - sealing->begins[i] * sealing->ends[i];

		if (more >= best)
			continue;
		best = more;
		bucket = i;
	}
	sealing->begins[bucket] += begins[bucket];
	sealing->ends[bucket] += ends[bucket];
	give_half(sealing, &head, 1u << bucket);
	give_half(sealing, &tail, 1u << (bucket + BUCKETS));
}

/* Where the two neighbouring grams begin that are rarest together: one of them is at an even place. */
static size_t rarest_grams(const struct sealing *sealing, struct slice text)
{
	uint64_t best = UINT64_MAX;
	size_t ret = 0;

	for (size_t i = 0; i + GRAM < text.len && i < 64; i++) {
		uint64_t weight = 0;

		for (size_t k = i; k < i + 2; k++)
			weight += (uint64_t)sealing->weights[load_pair(text.ptr + k)] * sealing->weights[load_pair(text.ptr + k + 2)];
		if (weight >= best)
			continue;
		best = weight;
		ret = i;
	}
	return ret;
}

/* Four bytes of the literal that the gram says least about. */
static void set_window(struct entry *entry, const struct literal *literal)
{
	size_t n = literal->text.len, at = (size_t)(entry->gram_at + GRAM);
	char word[WINDOW] = { 0 }, mask[WINDOW] = { 0 };

	if (n < WINDOW)
		at = 0;
	else if (at + WINDOW > n)
		at = entry->gram_at >= WINDOW ? 0 : n - WINDOW;
	for (size_t i = 0; i < WINDOW && at + i < n; i++) {
		mask[i] = literal->mask[at + i];
		word[i] = literal->word[at + i];
	}
	entry->window_at = (uint16_t)at;
	entry->word = load_window(word);
	entry->mask = load_window(mask);
}

static void add_gram(struct sealing *sealing, size_t index, int gram_at, enum known known)
{
	struct prefilter *filter = sealing->filter;
	const struct literal *literal = &filter->literals[index];
	struct gram gram = { .known = known, .caseless = literal->caseless };
	struct entry *entry = &filter->entries[filter->entry_count++];
	uint32_t hash;

	for (int i = 0; i < GRAM; i++)
		if (known_bytes[known][i])
			gram.bytes[i] = literal->text.ptr[gram_at + i];
	hash = gram_hash(load_window(gram.bytes), known);
	set_mark(filter, hash);
	*entry = (struct entry){ .slot = slot_of(hash), .literal = (uint16_t)index, .gram_at = (int16_t)gram_at };
	set_window(entry, literal);
	put_into_bucket(sealing, &gram);
}

static void add_grams(struct sealing *sealing, size_t index)
{
	struct slice text = sealing->filter->literals[index].text;
	int at;

	if (text.len <= GRAM) {
		add_gram(sealing, index, 0, text.len == GRAM ? KNOWN_ALL : KNOWN_HEAD);
		add_gram(sealing, index, -1, KNOWN_TAIL);
		return;
	}
	at = (int)rarest_grams(sealing, text);
	add_gram(sealing, index, at, KNOWN_ALL);
	add_gram(sealing, index, at + 1, KNOWN_ALL);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->literal < y->literal ? -1 : x->literal > y->literal;
}

void prefilter_seal(struct prefilter *filter)
{
	struct sealing *sealing = xcalloc(1, sizeof *sealing);
	uint32_t at = 0;

	sealing->filter = filter;
	weigh_pairs(sealing);
	filter->entries = xcalloc(2 * filter->literal_count + 1, sizeof *filter->entries);
	for (size_t i = 0; i < filter->literal_count; i++)
		add_grams(sealing, i);
	free(sealing);
	qsort(filter->entries, filter->entry_count, sizeof *filter->entries, compare_entries);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		filter->first[slot] = at;
		while (at < filter->entry_count && filter->entries[at].slot == slot)
			at++;
	}
	filter->first[SLOTS] = at;
}

/* ---- searching ---- */

static bool stands_at(const struct literal *literal, struct slice text, size_t at)
{
	const char *p = text.ptr + at;
	size_t n = literal->text.len;

	if (text.len - at < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((char)(p[i] & literal->mask[i]) != literal->word[i])
			return false;
	return true;
}

/* One search. */
struct search {
	const struct prefilter *filter;
	struct slice text;
	prefilter_fn *hit;
	void *context;
};

static int try_slot(const struct search *search, uint32_t slot, size_t pos)
{
	const struct prefilter *filter = search->filter;
	const struct entry *entry = &filter->entries[filter->first[slot]], *end = &filter->entries[filter->first[slot + 1]];
	struct slice text = search->text;
	int rc = 0;

	for (; entry < end && rc >= 0; entry++) {
		const struct literal *literal = &filter->literals[entry->literal];
		size_t at = pos - (size_t)(ptrdiff_t)entry->gram_at, window = at + entry->window_at;

		if (entry->gram_at > 0 && pos < (size_t)entry->gram_at)
			continue;
		if (window + WINDOW <= text.len && (load_window(text.ptr + window) & entry->mask) != entry->word)
			continue;
		if (at < text.len && stands_at(literal, text, at))
			rc = search->hit(search->context, literal->id, at);
	}
	return rc;
}

/* Any of the three ways to look at a gram may lead to a slot. Without a branch: most do not. */
static bool may_lead(const struct prefilter *filter, uint32_t gram)
{
	unsigned marks = is_marked(filter, gram_hash(gram, KNOWN_ALL));

	marks |= is_marked(filter, gram_hash(gram, KNOWN_HEAD));
	marks |= is_marked(filter, gram_hash(gram, KNOWN_TAIL));
	return marks != 0;
}

static int try_place(const struct search *search, uint32_t gram, size_t pos)
{
	int rc = 0;

	for (unsigned known = 0; known < KNOWN_COUNT && rc >= 0; known++) {
		uint32_t hash = gram_hash(gram, known);

		if (is_marked(search->filter, hash))
			rc = try_slot(search, slot_of(hash), pos);
	}
	return rc;
}

/* Whether a gram can begin at the first of two neighbouring pairs. */
static unsigned common(unsigned first, unsigned second)
{
	return first & second >> BUCKETS;
}

static unsigned buckets_at(const uint32_t *buckets, const char *p)
{
	return buckets[load_pair(p)];
}

/* At one of the pairs of a stride, the last of which needs the pair behind it. Written out: a loop would wait at each step. */
static bool any_common(const uint32_t *buckets, const char *p)
{
	unsigned a = buckets_at(buckets, p), b = buckets_at(buckets, p + 2), c = buckets_at(buckets, p + 4), d = buckets_at(buckets, p + 6);
	unsigned e = buckets_at(buckets, p + 8), f = buckets_at(buckets, p + 10), g = buckets_at(buckets, p + 12), h = buckets_at(buckets, p + 14);
	unsigned first = common(a, b) | common(b, c) | common(c, d) | common(d, e);

	return first | common(e, f) | common(f, g) | common(g, h) | common(h, buckets_at(buckets, p + 16));
}

/* One bit for each pair of a stride at which a gram can begin. */
static unsigned common_pairs_of(const uint32_t *buckets, const char *p)
{
	unsigned before = buckets_at(buckets, p), ret = 0;

	for (unsigned i = 0; i < STRIDE / 2; i++) {
		unsigned next = buckets_at(buckets, p + 2 * i + 2);

		ret |= (common(before, next) != 0 ? 1u : 0u) << i;
		before = next;
	}
	return ret;
}

/*
 * The text from `origin` on, as it stands at `from`: there are zeros behind its end. What may be something is gathered first and
 * looked at together, as no processor can guess which of many places is one.
 */
struct stretch {
	const char *from;
	size_t origin;
	size_t strides[GATHERED]; /* places in the text */
	unsigned count;
};

static int try_strides(const struct search *search, struct stretch *stretch)
{
	const struct prefilter *filter = search->filter;
	const char *from = stretch->from;
	size_t places[GATHERED * STRIDE / 2];
	unsigned count = 0;
	int rc = 0;

	for (unsigned i = 0; i < stretch->count; i++) {
		size_t stride = stretch->strides[i] - stretch->origin;

		for (unsigned pairs = common_pairs_of(filter->buckets, from + stride); pairs; pairs &= pairs - 1) {
			places[count] = stride + 2 * (unsigned)__builtin_ctz(pairs);
			count += may_lead(filter, load_window(from + places[count]));
		}
	}
	stretch->count = 0;
	for (unsigned i = 0; i < count && rc >= 0; i++)
		rc = try_place(search, load_window(from + places[i]), stretch->origin + places[i]);
	return rc;
}

static int search_stretch(const struct search *search, struct stretch *stretch, size_t end)
{
	int rc = 0;

	for (size_t pos = stretch->origin; pos < end && rc >= 0; pos += STRIDE) {
		stretch->strides[stretch->count] = pos;
		stretch->count += any_common(search->filter->buckets, stretch->from + (pos - stretch->origin));
		if (stretch->count == GATHERED)
			rc = try_strides(search, stretch);
	}
	return rc < 0 ? rc : try_strides(search, stretch);
}

int prefilter_search(const struct prefilter *filter, struct slice text, prefilter_fn *hit, void *context)
{
	const struct search search = { filter, text, hit, context };
	size_t whole = text.len >= STRIDE + 2 ? (text.len - 2) / STRIDE * STRIDE : 0;
	char last[2 * STRIDE + 4] = { 0 };
	struct stretch stretch;
	int rc;

	if (!filter->literal_count || text.len < PREFILTER_MIN_BYTES)
		return 0;
	stretch.from = text.ptr;
	stretch.origin = 0;
	stretch.count = 0;
	rc = search_stretch(&search, &stretch, whole);
	if (rc < 0)
		return rc;
	/* What is left of a stride, and one byte: with zeros behind it, two strides. */
	memcpy(last, text.ptr + whole, text.len - whole);
	stretch.from = last;
	stretch.origin = whole;
	rc = search_stretch(&search, &stretch, text.len);
	return rc < 0 ? rc : 0;
}
