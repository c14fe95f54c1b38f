/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random but legal runs: the replay with nothing removed is the run itself, to the nanosecond, in
 * whatever order the threads came by their CPUs; and the critical path always covers the interval
 * exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/replay.h"
#include "analysis/steps_sweep.h"
#include "array_source.h"

#define RUNS 400
#define THREADS_MAX 8
#define LOCKS 3
#define START UINT64_C(5000000000)

static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static uint64_t pick_length(void)
{
	return pick(3) ? 1 + pick(100000) : 1 + pick(20);
}

/* Where a thread is while a random run is made. */
struct player {
	uint32_t number;
	uint64_t at_ns; /* it is done up to here */
	bool is_blocked; /* since at_ns, until somebody wakes it */
};

struct game {
	struct example *example;
	struct player players[THREADS_MAX];
	size_t count;
	uint64_t end_ns;
};

static uint64_t cut(const struct game *game, uint64_t time_ns)
{
	return time_ns < game->end_ns ? time_ns : game->end_ns;
}

static void add(struct game *game, struct player *player, enum state state, uint64_t until_ns)
{
	until_ns = cut(game, until_ns);
	if (until_ns > player->at_ns)
		example_slice(game->example, player->number, state, player->at_ns, until_ns);
	player->at_ns = until_ns;
}

static void add_wait(struct game *game, struct player *player, uint64_t until_ns, uint32_t waker)
{
	struct slice *slice;

	until_ns = cut(game, until_ns);
	if (until_ns == player->at_ns)
		return;
	if (pick(2)) {
		slice = example_wait(game->example, player->number, 1 + (uint32_t)pick(LOCKS),
				     player->at_ns, until_ns);
		slice->result = waker ? WAIT_RESULT_WOKEN : WAIT_RESULT_TIMED_OUT;
	} else {
		slice = example_slice(game->example, player->number,
				      pick(2) ? STATE_SLEEP : STATE_IO, player->at_ns, until_ns);
	}
	slice->waker = waker;
	slice->holder = (uint32_t)pick(game->count + 1);
	if (slice->holder == slice->thread || slice->state != STATE_FUTEX)
		slice->holder = 0;
	player->at_ns = until_ns;
}

/* While one runs from from_ns to its at_ns it wakes some of the blocked. */
static void wake_some(struct game *game, const struct player *runner, uint64_t from_ns)
{
	for (size_t i = 0; i < game->count; i++) {
		struct player *other = &game->players[i];
		uint64_t time_ns = from_ns + 1 + pick(runner->at_ns - from_ns);

		if (!other->is_blocked || other->at_ns >= time_ns || pick(2))
			continue;
		/* Some wake-ups arrive late. */
		add_wait(game, other, time_ns + (pick(4) ? 0 : pick(1000)), runner->number);
		other->is_blocked = false;
		if (pick(2))
			add(game, other, STATE_QUEUED, other->at_ns + pick_length());
	}
}

/* The one that is furthest back moves, so that causes come before what they cause. */
static struct player *find_next(struct game *game)
{
	struct player *next = NULL;

	for (size_t i = 0; i < game->count; i++) {
		struct player *player = &game->players[i];

		if (!player->is_blocked && player->at_ns < game->end_ns &&
		    (!next || player->at_ns < next->at_ns))
			next = player;
	}
	return next;
}

static void play(struct game *game, struct player *player)
{
	uint64_t from_ns = player->at_ns;

	add(game, player, STATE_RUNNING, from_ns + pick_length());
	wake_some(game, player, from_ns);
	switch (pick(4)) {
	case 0:
		player->is_blocked = true;
		break;
	case 1:
		add_wait(game, player, player->at_ns + pick_length(), 0);
		break;
	case 2:
		add(game, player, STATE_PREEMPTED, player->at_ns + pick_length());
		break;
	default:
		add(game, player, STATE_STOPPED, player->at_ns + pick_length());
	}
}

static struct example *random_example(uint32_t cpus)
{
	struct game game = { .end_ns = START + 1000 + pick(3000000) };
	struct player *next;

	game.example = example_new(START, game.end_ns, cpus);
	for (int i = 0; i < LOCKS; i++)
		example_lock(game.example, LOCK_MUTEX, (enum lock_state)(i % 2), "lock");
	game.count = 1 + pick(THREADS_MAX);
	for (size_t i = 0; i < game.count; i++) {
		uint64_t birth_ns = pick(2) ? START : START + pick(game.end_ns - START);

		game.players[i].number = example_mortal(game.example, birth_ns, game.end_ns);
		game.players[i].at_ns = birth_ns;
	}
	while ((next = find_next(&game)))
		play(&game, next);
	for (size_t i = 0; i < game.count; i++)
		add_wait(&game, &game.players[i], game.end_ns, 0);
	example_finish(game.example);
	return game.example;
}

/* How many threads ran at once at most. */
static uint32_t most_running(const struct example *example)
{
	uint32_t most = 0;

	for (size_t i = 0; i < example->count; i++) {
		uint64_t now_ns = example->slices[i].start_ns;
		uint32_t count = 0;

		for (size_t j = 0; j <= i && example->slices[i].state == STATE_RUNNING; j++)
			count += example->slices[j].state == STATE_RUNNING &&
				 slice_end_ns(&example->slices[j]) > now_ns;
		if (count > most)
			most = count;
	}
	return most;
}

/* With nothing removed each thread ends when it did. */
static void assert_each_ends_as_it_did(const struct trace *trace)
{
	struct steps_sweep sweep;
	struct replay_setup setup = {
		.trace = trace,
		.begin_ns = trace->meta.start_ns,
		.end_ns = trace->meta.end_ns,
		.cpus = trace->meta.cpu_steps,
		.cpu_count = trace->meta.cpu_step_count,
	};
	struct observer observers[2] = { { 0 } };
	uint64_t covered_ns;

	steps_sweep_init(&sweep, trace, setup.cpus, setup.cpu_count);
	observers[0] = steps_sweep_observer(&sweep);
	assert_int_equal(sweep_run(trace, setup.begin_ns, setup.end_ns, observers, &covered_ns), 0);
	for (size_t i = 0; i < trace->thread_count; i++) {
		struct replay_result result;

		setup.end_thread = (uint32_t)i + 1;
		assert_int_equal(replay_run(sweep.steps, &setup, &result), 0);
		assert_int_equal(result.wall_ns, setup.end_ns - setup.begin_ns);
	}
	steps_sweep_release(&sweep);
}

static void assert_path_is_whole(const struct report *report)
{
	uint64_t sum_ns = report->critical_path.other_ns;

	assert_true(report->critical_path.is_known);
	for (size_t i = 0; i < report->critical_path.part_count; i++)
		sum_ns += report->critical_path.parts[i].ns;
	assert_int_equal(sum_ns, report->wall_ns);
}

/* spare: CPUs beyond those that ever ran at once. */
static void assert_replays_as_it_was(struct example *example, uint32_t spare)
{
	const struct report *report;

	example->trace->meta.cpu_steps[0].cpus = most_running(example) + spare;
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);

	report = example->report;
	assert_int_equal(report->what_if.state, WHAT_IF_MADE);
	assert_int_equal(report->what_if.model_wall_ns, report->wall_ns);
	assert_path_is_whole(report);
	assert_each_ends_as_it_did(example->trace);
}

static void test_replay__nothing_removed_is_the_run_itself(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;

		seed = 88172645463325252ull + (uint64_t)run * 2654435761u;
		example = random_example(1);
		assert_replays_as_it_was(example, run % 2 ? THREADS_MAX : 0);
		example_free(example);
	}
}

static void test_replay__more_cpus_than_were_said_are_the_run_itself(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;

		seed = 1181783497276652981ull + (uint64_t)run * 2654435761u;
		example = random_example(1);
		assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);

		assert_int_equal(example->report->what_if.model_wall_ns, example->report->wall_ns);
		example_free(example);
	}
}

static void test_replay__random_phases_are_covered(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;
		uint64_t length_ns, begin_ns, end_ns;

		seed = 362436069ull + (uint64_t)run * 2654435761u;
		example = random_example(1 + (uint32_t)pick(4));
		length_ns = example->trace->meta.end_ns - START;
		begin_ns = START + 1 + pick(length_ns - 1);
		end_ns = begin_ns + 1 + pick(example->trace->meta.end_ns - begin_ns);
		assert_int_equal(
			report_make_deep(example->trace, begin_ns, end_ns, &example->report), 0);

		assert_path_is_whole(example->report);
		assert_int_not_equal(example->report->what_if.state, WHAT_IF_FAILED);
		example_free(example);
	}
}

static void test_replay__random_losses_leave_the_path_whole(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;
		size_t kept = 0;

		seed = 521288629ull + (uint64_t)run * 2654435761u;
		example = random_example(2);
		for (size_t i = 0; i < example->count; i++) {
			if (pick(20))
				example->slices[kept++] = example->slices[i];
		}
		example->count = kept;
		assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);

		assert_path_is_whole(example->report);
		assert_int_not_equal(example->report->what_if.state, WHAT_IF_FAILED);
		example_free(example);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay__nothing_removed_is_the_run_itself),
		cmocka_unit_test(test_replay__more_cpus_than_were_said_are_the_run_itself),
		cmocka_unit_test(test_replay__random_phases_are_covered),
		cmocka_unit_test(test_replay__random_losses_leave_the_path_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
