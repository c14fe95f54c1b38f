/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts of the machine, except the quota of a process (capture/quota.c). */
#include "capture/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define OFFSET_TRIES 5

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* other − CLOCK_MONOTONIC, of the try least disturbed between its readings. */
static int64_t clock_offset_ns(clockid_t other)
{
	int64_t best_ns = INT64_MAX;
	int64_t offset_ns = 0;

	for (int i = 0; i < OFFSET_TRIES; i++) {
		int64_t before_ns = clock_ns(CLOCK_MONOTONIC);
		int64_t other_ns = clock_ns(other);
		int64_t width_ns = clock_ns(CLOCK_MONOTONIC) - before_ns;

		if (width_ns >= best_ns)
			continue;
		best_ns = width_ns;
		offset_ns = other_ns - (before_ns + width_ns / 2);
	}
	return offset_ns;
}

void host_describe(struct meta *meta)
{
	struct utsname name;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (uname(&name) == 0) {
		trace_set_string(&meta->kernel, name.release);
		trace_set_string(&meta->arch, name.machine);
	}
	meta->cpus_online = cpus > 0 ? (uint32_t)cpus : 1;
	meta->realtime_offset_ns = clock_offset_ns(CLOCK_REALTIME);
	meta->boottime_offset_ns = clock_offset_ns(CLOCK_BOOTTIME);
}

void host_times_read(struct host_times *ret_times)
{
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "re");
	uint64_t tick_ns;
	int fields;

	*ret_times = (struct host_times){ TRACE_NOT_MEASURED, TRACE_NOT_MEASURED };
	if (!file)
		return;
	fields = fscanf(file,
			"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			" %" SCNu64 " %" SCNu64,
			&user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);
	fclose(file);
	if (ticks_per_s <= 0)
		return;
	tick_ns = (uint64_t)(NS_PER_S / ticks_per_s);
	if (fields >= 7) /* guests are in user and nice */
		ret_times->busy_ns = (user + nice + system + irq + softirq) * tick_ns;
	if (fields == 8)
		ret_times->steal_ns = steal * tick_ns;
}

/* The kernel's counters may step back by a tick. */
static uint64_t since(uint64_t first, uint64_t last)
{
	if (first == TRACE_NOT_MEASURED || last == TRACE_NOT_MEASURED)
		return TRACE_NOT_MEASURED;
	return last > first ? last - first : 0;
}

void host_times_fill(struct meta *meta, const struct host_times *first,
		     const struct host_times *last, uint64_t own_ns)
{
	uint64_t busy_ns = since(first->busy_ns, last->busy_ns);

	meta->steal_ns = since(first->steal_ns, last->steal_ns);
	meta->others_run_ns = busy_ns;
	if (busy_ns != TRACE_NOT_MEASURED)
		meta->others_run_ns = busy_ns > own_ns ? busy_ns - own_ns : 0;
}
