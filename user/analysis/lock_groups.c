/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks called the same, added up. */
#include "analysis/lock_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/lock_name.h"

struct item {
	const struct lock *lock;
	const struct lock_stat *stat;
};

/* Of a line: all internal locks of a kind are one. */
static int compare_groups(const struct lock *left, const struct lock *right)
{
	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->state != right->state)
		return left->state < right->state ? -1 : 1;
	if (lock_is_internal(left->evidence) != lock_is_internal(right->evidence))
		return lock_is_internal(left->evidence) ? -1 : 1;
	/* Without a name each is by itself. */
	if (!*left->name && !*right->name)
		return (left->id > right->id) - (left->id < right->id);
	return lock_is_internal(left->evidence) ? 0 : strcmp(left->name, right->name);
}

bool lock_is_alike(const struct lock *lock, const struct lock *other)
{
	return compare_groups(lock, other) == 0;
}

static int by_name(const void *a, const void *b)
{
	const struct item *left = a;
	const struct item *right = b;
	int order = compare_groups(left->lock, right->lock);

	return order ? order
		     : (left->lock->id > right->lock->id) - (left->lock->id < right->lock->id);
}

static void add_to(uint64_t *sum, uint64_t more)
{
	if (*sum == TRACE_NOT_MEASURED || more == TRACE_NOT_MEASURED)
		*sum = TRACE_NOT_MEASURED;
	else
		*sum += more;
}

static void keep_peak(struct holder_peak *peak, const struct holder_peak *other)
{
	if (other->ns > peak->ns)
		*peak = *other;
}

static void add_sums(struct lock_stat *sum, const struct lock_stat *stat)
{
	add_to(&sum->episodes, stat->episodes);
	add_to(&sum->waits, stat->waits);
	add_to(&sum->timeouts, stat->timeouts);
	add_to(&sum->wait_ns, stat->wait_ns);
	add_to(&sum->handoffs, stat->handoffs);
	add_to(&sum->handoff_ns, stat->handoff_ns);
	add_to(&sum->dead_ns, stat->dead_ns);
	add_to(&sum->lost_ns, stat->lost_ns);
	add_to(&sum->holder_running_ns, stat->holder_running_ns);
	add_to(&sum->holder_ready_ns, stat->holder_ready_ns);
	add_to(&sum->holder_blocked_ns, stat->holder_blocked_ns);
	add_to(&sum->holder_unknown_ns, stat->holder_unknown_ns);
	add_to(&sum->handoff.same_cpu, stat->handoff.same_cpu);
	add_to(&sum->handoff.other_cpu, stat->handoff.other_cpu);
	keep_peak(&sum->ready, &stat->ready);
	keep_peak(&sum->blocked, &stat->blocked);
	if (stat->waiters > sum->waiters)
		sum->waiters = stat->waiters;
}

/* longest_ns: the wait time of the lock that stands for the group. */
static void add_stat(struct lock_group *group, const struct lock_stat *stat, uint64_t *longest_ns)
{
	struct lock_stat *sum = &group->sum;

	if (group->locks++ == 0) {
		*sum = *stat;
		*longest_ns = stat->wait_ns;
		return;
	}
	add_sums(sum, stat);
	if (stat->min_ns < sum->min_ns)
		sum->min_ns = stat->min_ns;
	if (stat->max_ns > sum->max_ns) /* not measured is the largest */
		sum->max_ns = stat->max_ns;
	sum->p50_ns = sum->p90_ns = sum->p99_ns = TRACE_NOT_MEASURED;
	sum->handoff.p50_ns = sum->handoff.p99_ns = TRACE_NOT_MEASURED;
	if (stat->wait_ns > *longest_ns) {
		*longest_ns = stat->wait_ns;
		sum->lock = stat->lock;
	}
}

static int by_cost(const void *a, const void *b)
{
	const struct lock_stat *left = &((const struct lock_group *)a)->sum;
	const struct lock_stat *right = &((const struct lock_group *)b)->sum;

	if (left->lost_ns != right->lost_ns)
		return left->lost_ns > right->lost_ns ? -1 : 1;
	if (left->wait_ns != right->wait_ns)
		return left->wait_ns > right->wait_ns ? -1 : 1;
	return left->lock < right->lock ? -1 : left->lock > right->lock;
}

size_t lock_groups(const struct report *report, struct lock_group **ret_groups)
{
	struct item *items OWNED(mem_freep) = xcalloc(report->lock_count, sizeof(*items));
	struct lock_group *groups = xcalloc(report->lock_count, sizeof(*groups));
	uint64_t longest_ns = 0;
	size_t count = 0;

	for (size_t i = 0; i < report->lock_count; i++) {
		items[i].stat = &report->locks[i];
		items[i].lock = &report->trace->locks[report->locks[i].lock - 1];
	}
	if (report->lock_count > 0)
		qsort(items, report->lock_count, sizeof(*items), by_name);
	for (size_t i = 0; i < report->lock_count; i++) {
		if (i == 0 || compare_groups(items[i - 1].lock, items[i].lock) != 0)
			count++;
		else if (strcmp(items[i - 1].lock->name, items[i].lock->name) != 0)
			groups[count - 1].is_mixed = true;
		add_stat(&groups[count - 1], items[i].stat, &longest_ns);
	}
	if (count > 0)
		qsort(groups, count, sizeof(*groups), by_cost);
	*ret_groups = groups;
	return count;
}

const struct lock_group *costliest_group(const struct report *report,
					 const struct lock_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct lock *lock = &report->trace->locks[groups[i].sum.lock - 1];

		if (lock->state == LOCK_STATE_LOCK && groups[i].sum.wait_ns)
			return &groups[i];
	}
	return NULL;
}

static int by_name_alone(const void *a, const void *b)
{
	const struct lock *left = *(const struct lock *const *)a;
	const struct lock *right = *(const struct lock *const *)b;
	int order = compare_groups(left, right);

	return order ? order : (left->id > right->id) - (left->id < right->id);
}

uint32_t *lock_leaders(const struct trace *trace)
{
	const struct lock **order OWNED(mem_freep) = xcalloc(trace->lock_count, sizeof(*order));
	uint32_t *leaders = xcalloc(trace->lock_count, sizeof(*leaders));

	for (size_t i = 0; i < trace->lock_count; i++)
		order[i] = &trace->locks[i];
	if (trace->lock_count > 0)
		qsort(order, trace->lock_count, sizeof(*order), by_name_alone);
	for (size_t i = 0; i < trace->lock_count; i++) {
		bool is_first = i == 0 || !lock_is_alike(order[i - 1], order[i]);

		leaders[order[i]->id - 1] = is_first ? order[i]->id : leaders[order[i - 1]->id - 1];
	}
	return leaders;
}
