/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts of the machine that a trace is read by: kernel, clocks, CPU time of everybody, CPU quota of
 * a process. Not for anything about single threads.
 */
#ifndef CONVOY_CAPTURE_HOST_H
#define CONVOY_CAPTURE_HOST_H

#include <stdint.h>
#include <sys/types.h>

#include "stream/trace.h"

/* Fills kernel, arch, cpus_online and the two clock offsets of meta. */
void host_describe(struct meta *meta);

/* CPU time of the whole machine since it booted, in the kernel's ticks (10 ms as a rule). */
struct host_times {
	uint64_t busy_ns; /* user, nice, system, interrupts: all that ran; TRACE_NOT_MEASURED */
	uint64_t steal_ns; /* taken by the hypervisor; TRACE_NOT_MEASURED */
};

void host_times_read(struct host_times *ret_times);
/*
 * Fills steal_ns and others_run_ns of meta from the times at both ends of the window. own_ns: CPU
 * time of the targets and of convoy in between, which is not others'.
 */
void host_times_fill(struct meta *meta, const struct host_times *first,
		     const struct host_times *last, uint64_t own_ns);

/*
 * The cgroup of a process whose CPU quota counts: cgroup v2, or v1 where the cpu controller is
 * there. It stays known when the process is gone. NULL if there is none that can be read.
 */
struct host_cgroup;

struct host_cgroup *host_cgroup_open(pid_t pid);
void host_cgroup_close(struct host_cgroup *cgroup); /* takes NULL */

/*
 * The tightest quota from that cgroup up to the root, with the counters of the level that sets it
 * since it was made: the caller subtracts (host_quota_since). NULL: not known.
 */
void host_quota_read(const struct host_cgroup *cgroup, struct quota *ret_quota);
/* The quota of `last` with what was throttled in between; not known if either is not, or if
 * another level sets it now. */
struct quota host_quota_since(const struct quota *first, const struct quota *last);

#endif
