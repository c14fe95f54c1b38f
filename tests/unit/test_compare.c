/* SPDX-License-Identifier: GPL-2.0-only */
/* Two observations side by side: what is matched with what, what is called better or worse, and
 * the sentence; as text, JSON and a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "analysis/compare.h"
#include "array_source.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/compare.h"
#include "output/output.h"

#define START 1000
#define SPAN UINT64_C(100000000)
#define RUNS_MAX 16

static const struct work same_work = { 0, 0 };

/* Examples whose traces belong to the pair. */
static struct example *examples[RUNS_MAX];
static size_t example_count;
static struct experiment *pair;
static struct comparison *comparison;

static int setup(void **state)
{
	(void)state;
	example_count = 0;
	pair = experiment_new();
	comparison = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (comparison)
		comparison_free(comparison);
	else
		experiment_free(pair);
	for (size_t i = 0; i < example_count; i++) {
		examples[i]->trace = NULL;
		examples[i]->report = NULL;
		free(examples[i]->slices);
		free(examples[i]);
	}
	return 0;
}

static struct example *run_new(uint64_t wall_ns)
{
	struct example *example = example_new(START, START + wall_ns, 2);

	examples[example_count++] = example;
	return example;
}

static void run_add(struct example *example, char variant, uint32_t round)
{
	struct meta *meta = &example->trace->meta;

	example_finish(example);
	trace_set_string(&meta->variant, variant == 'A' ? "A" : "B");
	trace_set_string(&meta->baseline, variant == 'A' ? "" : "A");
	meta->round = round;
	assert_int_equal(experiment_add_whole(pair, example->trace), 0);
}

/* One thread runs all the time, another waits so long for a lock, then runs to the end. */
struct shape {
	char variant;
	uint32_t round;
	uint64_t wall_ns;
	uint64_t wait_ns;
	const char *lock;
	enum lock_state state; /* LOCK_STATE_LOCK is 0 */
};

static struct example *add(const struct shape *shape)
{
	struct example *example = run_new(shape->wall_ns);
	uint32_t a = example_thread(example), b = example_thread(example);
	uint64_t end_ns = START + shape->wall_ns, at_ns = START + shape->wait_ns;

	example_slice(example, a, STATE_RUNNING, START, end_ns);
	if (shape->wait_ns)
		example_wait(example, b,
			     example_lock(example, LOCK_MUTEX, shape->state, shape->lock), START,
			     at_ns);
	example_slice(example, b, STATE_RUNNING, at_ns, end_ns);
	run_add(example, shape->variant, shape->round);
	return example;
}

static const struct change *find(const struct changes *changes, const char *name)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (strcmp(changes->items[i].name, name) == 0)
			return &changes->items[i];
	}
	fail_msg("there is no '%s'", name);
	return NULL;
}

static const char *says(void)
{
	assert_int_equal(comparison->pair->finding_count, 1);
	return comparison->pair->findings[0].says;
}

static void assert_says(const char *words)
{
	if (!strstr(says(), words))
		fail_msg("'%s' is not in: %s", words, says());
}

static void test_compare__locks_are_matched_by_call_site_and_not_by_address(void **state)
{
	struct example *before = run_new(SPAN), *after = run_new(SPAN);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct example *example = i ? after : before;
		uint32_t thread = example_thread(example);
		uint32_t site = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
					     "mutex in take() of heap");
		uint32_t heap =
			example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
				     i ? "mutex on the heap 0xb0" : "mutex on the heap 0xa0");

		example_wait(example, thread, site, START, START + 100);
		example_wait(example, thread, heap, START + 100, START + 300 + 50 * (uint64_t)i);
	}
	run_add(before, 'A', 0);
	run_add(after, 'B', 0);
	comparison = comparison_new(pair, &same_work);

	assert_int_equal(comparison->locks.count, 2);
	assert_int_equal(find(&comparison->locks, "mutex in take() of heap")->after.ns, 100);
	assert_int_equal(find(&comparison->locks, "mutex on the heap")->before.ns, 200);
	assert_int_equal(find(&comparison->locks, "mutex on the heap")->after.ns, 250);
}

static void test_compare__locks_of_another_kind_are_others(void **state)
{
	(void)state;
	add(&(struct shape){ 'A', 0, SPAN, 100, "mutex 'm' in p", LOCK_STATE_LOCK });
	add(&(struct shape){ 'B', 0, SPAN, 100, "mutex 'm' in p", LOCK_STATE_CONDITION });
	comparison = comparison_new(pair, &same_work);

	assert_int_equal(comparison->locks.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct change *change = &comparison->locks.items[i];

		assert_int_not_equal(change->before.is_there, change->after.is_there);
		assert_int_equal(change->before.is_there, change->state == LOCK_STATE_LOCK);
	}
}

static void add_named(char variant, uint64_t first_ns, uint64_t second_ns)
{
	struct example *example = run_new(SPAN);
	uint32_t younger = example_mortal(example, START + 500, START + SPAN);
	uint32_t older = example_mortal(example, START, START + SPAN);

	for (uint32_t i = 0; i < 2; i++)
		strcpy(example->trace->threads[i].comm, "worker");
	example_slice(example, older, STATE_RUNNING, START, START + first_ns);
	example_slice(example, older, STATE_SLEEP, START + first_ns, START + SPAN);
	example_slice(example, younger, STATE_RUNNING, START + 500, START + 500 + second_ns);
	example_slice(example, younger, STATE_SLEEP, START + 500 + second_ns, START + SPAN);
	run_add(example, variant, 0);
}

static void test_compare__threads_are_matched_by_order_of_birth(void **state)
{
	(void)state;
	add_named('A', 1000, 7000);
	add_named('B', 2000, 9000);
	comparison = comparison_new(pair, &same_work);

	assert_int_equal(comparison->threads.count, 2);
	assert_int_equal(find(&comparison->threads, "worker")->before.ns, 1000);
	assert_int_equal(find(&comparison->threads, "worker")->after.ns, 2000);
	assert_int_equal(find(&comparison->threads, "worker (2)")->before.ns, 7000);
}

static void add_rounds(char variant, const char *lock, const uint64_t waits[3])
{
	for (uint32_t i = 0; i < 3; i++)
		add(&(struct shape){ variant, i + 1, SPAN + i, waits[i], lock, LOCK_STATE_LOCK });
}

static enum change_verdict verdict_of(const uint64_t before[3], const uint64_t after[3])
{
	add_rounds('A', "mutex 'm'", before);
	add_rounds('B', "mutex 'm'", after);
	comparison = comparison_new(pair, &same_work);
	return find(&comparison->locks, "mutex 'm'")->verdict;
}

static void test_compare__ranges_apart_are_better_or_worse(void **state)
{
	(void)state;
	assert_int_equal(verdict_of((uint64_t[]){ 900, 800, 700 }, (uint64_t[]){ 200, 699, 300 }),
			 CHANGE_BETTER);
	assert_int_equal(teardown(state) + setup(state), 0);
	assert_int_equal(verdict_of((uint64_t[]){ 100, 200, 100 }, (uint64_t[]){ 900, 201, 300 }),
			 CHANGE_WORSE);
}

static void test_compare__ranges_that_overlap_are_no_difference(void **state)
{
	const struct change *change;

	(void)state;
	assert_int_equal(verdict_of((uint64_t[]){ 900, 800, 700 }, (uint64_t[]){ 200, 700, 300 }),
			 CHANGE_NONE);
	change = find(&comparison->locks, "mutex 'm'");
	assert_int_equal(samples_min(&change->after.rounds), 200);
	assert_int_equal(samples_max(&change->after.rounds), 700);
}

static void test_compare__a_lock_of_one_round_was_not_waited_for_in_the_others(void **state)
{
	(void)state;
	assert_int_equal(verdict_of((uint64_t[]){ 900, 0, 0 }, (uint64_t[]){ 0, 0, 900 }),
			 CHANGE_NONE);
	assert_true(find(&comparison->locks, "mutex 'm'")->after.is_there);
	assert_int_equal(find(&comparison->locks, "mutex 'm'")->after.ns, 0);
}

static void test_compare__one_run_each_judges_nothing(void **state)
{
	(void)state;
	add(&(struct shape){ 'A', 0, SPAN, SPAN / 2, "mutex 'm'", LOCK_STATE_LOCK });
	add(&(struct shape){ 'B', 0, SPAN / 2, 100, "mutex 'm'", LOCK_STATE_LOCK });
	comparison = comparison_new(pair, &same_work);

	assert_int_equal(find(&comparison->locks, "mutex 'm'")->verdict, CHANGE_UNKNOWN);
	assert_says("One run each: spread unknown.");
	assert_says("What changed most: the threads used 50 ms less CPU time.");
	assert_says("Threads waited for the mutex 'm' for 50 ms in A and for 100 ns in B.");
	assert_string_equal(comparison->pair->bills[0].lines[1].causes[0].name,
			    "less CPU time was used");
}

static void test_compare__idle_waits_are_not_judged(void **state)
{
	(void)state;
	add(&(struct shape){ 'A', 0, SPAN, 100, "c", LOCK_STATE_CONDITION });
	add(&(struct shape){ 'B', 0, SPAN, SPAN - 1, "c", LOCK_STATE_CONDITION });
	comparison = comparison_new(pair, &same_work);

	assert_int_equal(comparison->locks.items[0].verdict, CHANGE_NOT_JUDGED);
	assert_null(strstr(says(), "waited"));
}

static void test_compare__no_measurable_difference_gives_no_reason(void **state)
{
	(void)state;
	verdict_of((uint64_t[]){ 900, 800, 700 }, (uint64_t[]){ 900, 800, 700 });

	assert_says("No measurable difference: A took 100 ms, B 100 ms (medians)");
	assert_null(strstr(says(), "changed most"));
	assert_int_equal(comparison->pair->bills[0].total_ns, 0);
}

static void test_compare__a_measurable_difference_has_a_reason(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 2; i++) {
		add(&(struct shape){ 'A', i, SPAN + i, 0, "", LOCK_STATE_LOCK });
		add(&(struct shape){ 'B', i, 2 * SPAN + i, SPAN, "mutex 'm'", LOCK_STATE_LOCK });
	}
	comparison = comparison_new(pair, &same_work);

	assert_says("B is 2.00 × slower than A: 200 ms against 100 ms (medians).");
	assert_says("the threads used 100 ms more CPU time");
	assert_says("Threads waited for the mutex 'm' not at all in A and for 100 ms in B.");
	assert_false(find(&comparison->locks, "mutex 'm'")->before.is_there);
	assert_int_equal(find(&comparison->locks, "mutex 'm'")->verdict, CHANGE_WORSE);
}

static void test_compare__other_work_is_not_compared(void **state)
{
	const struct work other = { 54000000, 22000000 };

	(void)state;
	add_rounds('A', "mutex 'm'", (uint64_t[]){ 900, 800, 700 });
	for (uint32_t i = 1; i <= 3; i++)
		add(&(struct shape){ 'B', i, SPAN / 3, 10, "mutex 'm'", LOCK_STATE_LOCK });
	comparison = comparison_new(pair, &other);

	assert_says("Not the same work: A counted to 54,000,000 in all, B to 22,000,000.");
	assert_null(strstr(says(), "faster than"));
	assert_false(comparison->pair->variants[1].is_measurable);
	assert_int_equal(find(&comparison->locks, "mutex 'm'")->verdict, CHANGE_UNKNOWN);
}

static void test_compare__what_was_not_recorded_is_not_known(void **state)
{
	struct example *example = run_new(SPAN);

	(void)state;
	for (int i = 0; i < 2; i++)
		example_wait(example, example_thread(example),
			     example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex 'm'"), START,
			     START + SPAN);
	example_finish(example);
	example->trace->slices = NULL;
	example->count = 0;
	run_add(example, 'A', 0);
	add(&(struct shape){ 'B', 0, SPAN / 2, SPAN / 4, "mutex 'm'", LOCK_STATE_LOCK });
	comparison = comparison_new(pair, &same_work);

	assert_true(find(&comparison->locks, "mutex 'm'")->before.lost_ns == TRACE_NOT_MEASURED);
	assert_int_equal(find(&comparison->locks, "mutex 'm'")->before.ns, 2 * SPAN);
	assert_int_equal(find(&comparison->locks, "mutex 'm'")->before.count, 2);
	assert_says("Too much was not recorded to say what changed most.");
	assert_string_equal(comparison->pair->bills[0].lines[1].causes[0].name,
			    "what was recorded of it");
}

static char *no_names[] = { NULL };
static char *hostile_names[] = { "io\x1b[31m</script>", NULL };

/* Prints the comparison, with a hostile name in every place that has one. Free it. */
static char *print(const char *format, char *title)
{
	static char is[] = "</script><script>trip()</script>\xff";
	const struct output_options options = { 0 };
	struct compared item = { title, comparison };
	const struct compared_list list = {
		.sides = { { "before\n<b>", is, no_names }, { "after", is, hostile_names } },
		.items = &item,
		.count = 1,
	};
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(output_find(format)->render_comparison(&list, &options, file), 0);
	fclose(file);
	return text;
}

static void compare_sample(void)
{
	add_rounds('A', "mutex 'm'\x1b]0;&<img src=x>", (uint64_t[]){ 9000000, 8000000, 7000000 });
	add_rounds('B', "mutex 'm'\x1b]0;&<img src=x>", (uint64_t[]){ 200000, 699999, 300000 });
	comparison = comparison_new(pair, &same_work);
}

static void test_compare__text_fits_a_terminal(void **state)
{
	char title[] = "threads\n\x1b[1m";
	char *text OWNED(mem_freep) = NULL;

	(void)state;
	compare_sample();
	text = print("text", title);

	assert_non_null(strstr(text, "better"));
	assert_non_null(strstr(text, "only in B: io"));
	assert_non_null(strstr(text, "residuals 0 ns"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (text_columns(line) > 80)
			fail_msg("wider than 80 columns: %s", line);
		for (const char *at = line; *at; at++)
			assert_true((unsigned char)*at >= 0x20);
	}
}

static void test_compare__no_name_gets_out_of_the_page(void **state)
{
	static const char tag[] = "id=\"data\">";
	char *page OWNED(mem_freep) = NULL;
	const char *begin, *end;
	json_t *data, *list;

	(void)state;
	compare_sample();
	page = print("html", "threads</script>\xe2\x80\xa8");
	begin = strstr(page, tag) + strlen(tag);
	end = strstr(begin, "</script>");

	for (const char *at = begin; at < end; at++) {
		assert_null(memchr("<>&", *at, 3));
		assert_in_range(*at, ' ', '~');
	}
	data = json_loadb(begin, (size_t)(end - begin), 0, NULL);
	list = json_object_get(json_object_get(data, "compare"), "comparisons");
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "locks")), 1);
	json_decref(data);
}

static void test_compare__only_some_formats_show_two(void **state)
{
	(void)state;
	assert_non_null(output_find("html")->render_comparison);
	assert_null(output_find("perfetto")->render_comparison);
	assert_null(output_find("folded")->render_comparison);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_compare__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(locks_are_matched_by_call_site_and_not_by_address),
		TEST(locks_of_another_kind_are_others),
		TEST(threads_are_matched_by_order_of_birth),
		TEST(ranges_apart_are_better_or_worse),
		TEST(ranges_that_overlap_are_no_difference),
		TEST(a_lock_of_one_round_was_not_waited_for_in_the_others),
		TEST(one_run_each_judges_nothing),
		TEST(idle_waits_are_not_judged),
		TEST(no_measurable_difference_gives_no_reason),
		TEST(a_measurable_difference_has_a_reason),
		TEST(other_work_is_not_compared),
		TEST(what_was_not_recorded_is_not_known),
		TEST(text_fits_a_terminal),
		TEST(no_name_gets_out_of_the_page),
		TEST(only_some_formats_show_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
