/* The only user of PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"
#include "base/clock.h"
#include "base/mem.h"
#include <pcre2.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MATCH_LIMIT 1000000 /* steps: some milliseconds at worst */
#define DEPTH_LIMIT 200000
#define HEAP_LIMIT_KIB (64 * 1024)
#define STACK_MIN_BYTES (32 * 1024)
#define STACK_MAX_BYTES (1024 * 1024)
#define GROUPS 16
#define CPU_BASE_NS 4000000
#define CPU_BYTE_NS 32
#define CPU_NO_JIT 8
/* Builds that find races and bad reads are many times slower; what is tried with them is not the limit. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CPU_BUILD 50
#else
#define CPU_BUILD 1
#endif
#define CALLS_PER_CLOCK 16
#define WINDOW_MIN 16 /* starts tried between two looks at the clock */
#define WINDOW_SHARE 16 /* doubled while it takes less than this part of the time */

struct program {
	pcre2_code *code;
	bool jit;
};

struct pattern {
	struct slice source; /* of a late one */
	unsigned flags;
	_Atomic(struct program *) *program; /* *program NULL: not yet compiled */
};

struct matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	int64_t wall_ns, cpu_ns; /* when this text began to be timed by the wall, and by the processor; 0: not yet */
	size_t text_bytes;
	unsigned calls;
};

static int compile(struct slice source, unsigned flags, struct program **ret, size_t *ret_offset, struct err *err)
{
	/* \C could end a match inside a character. */
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_SIZE offset = 0;
	PCRE2_UCHAR words[160];
	pcre2_code *code;
	int rc;

	/* Its literal stands there already: looking ahead for other letters of it would cost more than trying. */
	options |= (flags & PATTERN_ANCHORED) ? PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE : PCRE2_USE_OFFSET_LIMIT;
	options |= (flags & PATTERN_CASELESS) ? PCRE2_CASELESS : 0u;
	code = pcre2_compile((PCRE2_SPTR)(source.len ? source.ptr : ""), source.len, options, &rc, &offset, NULL);
	if (!code) {
		if (ret_offset)
			*ret_offset = offset;
		if (pcre2_get_error_message(rc, words, sizeof words) < 0)
			words[0] = 0;
		return err_set(err, LF_EINVAL, "%s", (const char *)words);
	}
	/* Without JIT the interpreter answers the same, more slowly. */
	rc = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->code = code;
	(*ret)->jit = rc == 0;
	return 0;
}

static void program_free(struct program *program)
{
	if (!program)
		return;
	pcre2_code_free(program->code);
	free(program);
}

int pattern_new(struct slice source, unsigned flags, struct pattern **ret, size_t *ret_offset, struct err *err)
{
	struct program *program = NULL;
	int rc = flags & PATTERN_LATE ? 0 : compile(source, flags, &program, ret_offset, err);

	if (rc)
		return rc;
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->source = source;
	(*ret)->flags = flags;
	(*ret)->program = xcalloc(1, sizeof *(*ret)->program);
	atomic_init((*ret)->program, program);
	return 0;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	program_free(atomic_load(pattern->program));
	free(pattern->program);
	free(pattern);
}

struct matcher *matcher_new(void)
{
	struct matcher *matcher = xcalloc(1, sizeof *matcher);

	matcher->data = pcre2_match_data_create(GROUPS, NULL);
	matcher->context = pcre2_match_context_create(NULL);
	matcher->stack = pcre2_jit_stack_create(STACK_MIN_BYTES, STACK_MAX_BYTES, NULL);
	if (!matcher->data || !matcher->context)
		abort();
	pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
	pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
	if (matcher->stack)
		pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
	return matcher;
}

void matcher_free(struct matcher *matcher)
{
	if (!matcher)
		return;
	pcre2_jit_stack_free(matcher->stack);
	pcre2_match_context_free(matcher->context);
	pcre2_match_data_free(matcher->data);
	free(matcher);
}

/* False when the pair is unset or, after an odd \K, the wrong way round. */
static bool read_pair(const PCRE2_SIZE *pairs, unsigned group, size_t text_len, struct span *ret)
{
	ret->start = pairs[2 * group];
	ret->end = pairs[2 * group + 1];
	return ret->start <= ret->end && ret->end <= text_len;
}

void matcher_begin(struct matcher *matcher, size_t text_bytes)
{
	matcher->text_bytes = text_bytes;
	matcher->calls = 0;
	matcher->wall_ns = matcher->cpu_ns = 0;
}

static int64_t limit_ns(const struct program *program, const struct matcher *matcher)
{
	int64_t limit = (CPU_BASE_NS + CPU_BYTE_NS * (int64_t)matcher->text_bytes) * CPU_BUILD;

	return program->jit ? limit : CPU_NO_JIT * limit;
}

/* Two threads may both compile it; one of the results stays. The text does not pay for the time. */
static const struct program *compile_late(const struct pattern *pattern, struct matcher *matcher)
{
	int64_t wall_ns = clock_mono_ns(), cpu_ns = clock_cpu_ns();
	struct program *program = NULL, *other = NULL;
	struct err ignored;

	if (compile(pattern->source, pattern->flags, &program, NULL, &ignored) != 0)
		return NULL;
	if (!atomic_compare_exchange_strong(pattern->program, &other, program)) {
		program_free(program);
		program = other;
	}
	if (matcher->wall_ns != 0)
		matcher->wall_ns += clock_mono_ns() - wall_ns;
	if (matcher->cpu_ns != 0)
		matcher->cpu_ns += clock_cpu_ns() - cpu_ns;
	return program;
}

/* NULL: it does not compile. */
static const struct program *program_of(const struct pattern *pattern, struct matcher *matcher)
{
	const struct program *program = atomic_load_explicit(pattern->program, memory_order_acquire);

	return program ? program : compile_late(pattern, matcher);
}

static int64_t spent_ns(struct matcher *matcher)
{
	int64_t now_ns = clock_cpu_ns();

	if (matcher->cpu_ns == 0)
		matcher->cpu_ns = now_ns;
	return now_ns - matcher->cpu_ns;
}

/*
 * The processor's clock costs more than most matches. It is asked only when by the wall's, which is never behind it, a
 * quarter of the limit has gone; the rest is measured by it.
 */
static bool out_of_time(const struct program *program, struct matcher *matcher)
{
	int64_t now_ns;

	if (++matcher->calls % CALLS_PER_CLOCK != 0)
		return false;
	if (matcher->cpu_ns != 0)
		return spent_ns(matcher) > limit_ns(program, matcher) / 4 * 3;
	now_ns = clock_mono_ns();
	if (matcher->wall_ns == 0)
		matcher->wall_ns = now_ns;
	if (now_ns - matcher->wall_ns > limit_ns(program, matcher) / 4)
		(void)spent_ns(matcher);
	return false;
}

static int match(const struct program *program, struct matcher *matcher, struct slice text, size_t start,
                 unsigned group, struct span *ret_whole, struct span *ret_group)
{
	const PCRE2_SIZE *pairs;
	int rc;

	/* Most matches fail at once: what comes before them counts. */
	rc = program->jit ? pcre2_jit_match(program->code, (PCRE2_SPTR)text.ptr, text.len, start, 0, matcher->data, matcher->context)
	                  : pcre2_match(program->code, (PCRE2_SPTR)text.ptr, text.len, start, PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return LF_ELIMIT;
	pairs = pcre2_get_ovector_pointer(matcher->data);
	if (!read_pair(pairs, 0, text.len, ret_whole))
		return LF_ELIMIT;
	*ret_group = (struct span){ ret_whole->start, ret_whole->start };
	if (rc == 0 || group < (unsigned)rc)
		read_pair(pairs, group, text.len, ret_group);
	if (ret_group->start > ret_group->end || ret_group->end > text.len)
		*ret_group = (struct span){ ret_whole->start, ret_whole->start };
	return 1;
}

int pattern_match(const struct pattern *pattern, struct matcher *matcher, struct slice text, size_t start,
                  unsigned group, struct span *ret_whole, struct span *ret_group)
{
	const struct program *program = program_of(pattern, matcher);

	if (!program || out_of_time(program, matcher))
		return LF_ELIMIT;
	return match(program, matcher, text, start, group, ret_whole, ret_group);
}

static size_t character_boundary(struct slice text, size_t at)
{
	while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80)
		at++;
	return at;
}

int pattern_find(const struct pattern *pattern, struct matcher *matcher, struct slice text, size_t start,
                 struct span *ret_whole)
{
	const struct program *program = program_of(pattern, matcher);
	size_t window = WINDOW_MIN;
	struct span group;
	int rc = !program || out_of_time(program, matcher) ? LF_ELIMIT : 0;

	/* PCRE2's limits count choices, not bytes: a pattern that reads to the end from every start is not held by them. */
	while (!rc) {
		int64_t before, after;

		pcre2_set_offset_limit(matcher->context, text.len - start > window ? start + window : PCRE2_UNSET);
		before = text.len - start > window ? spent_ns(matcher) : 0;
		rc = match(program, matcher, text, start, 0, ret_whole, &group);
		if (rc || text.len - start <= window)
			break;
		after = spent_ns(matcher);
		if (after > limit_ns(program, matcher))
			rc = LF_ELIMIT;
		start = character_boundary(text, start + window + 1);
		if (after - before < limit_ns(program, matcher) / WINDOW_SHARE)
			window *= 2;
	}
	pcre2_set_offset_limit(matcher->context, PCRE2_UNSET);
	return rc;
}
