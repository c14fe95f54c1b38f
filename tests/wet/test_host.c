/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host says of itself, against what this program can find out otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "capture/host.h"

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void test_host__offsets_turn_one_clock_into_another(void **state)
{
	struct trace *trace = trace_new();
	int64_t error_ns;

	(void)state;
	host_describe(&trace->meta);

	error_ns =
		now_ns(CLOCK_MONOTONIC) + trace->meta.realtime_offset_ns - now_ns(CLOCK_REALTIME);
	assert_true(llabs(error_ns) < 50000000);
	assert_true(trace->meta.cpus_online >= 1);
	assert_true(strlen(trace->meta.kernel) > 0 && strlen(trace->meta.arch) > 0);
	trace_free(trace);
}

static void test_host__a_busy_cpu_shows(void **state)
{
	struct host_times first;
	struct host_times last;
	struct meta meta = { 0 };
	int64_t until_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 300000000;

	(void)state;
	host_times_read(&first);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < until_ns)
		;
	host_times_read(&last);

	host_times_fill(&meta, &first, &last, 0);
	assert_true(meta.others_run_ns >= 250000000 && meta.others_run_ns < 100000000000);
	host_times_fill(&meta, &first, &last, UINT64_MAX / 2);
	assert_true(meta.others_run_ns == 0);
	first.busy_ns = TRACE_NOT_MEASURED;
	host_times_fill(&meta, &first, &last, 0);
	assert_true(meta.others_run_ns == TRACE_NOT_MEASURED);
}

static void test_host__quotas_are_subtracted_only_if_both_are_known(void **state)
{
	struct quota first = { .is_known = true, .cpus = 0.5, .throttled_count = 3 };
	struct quota last = { .is_known = true, .cpus = 0.5, .throttled_count = 10 };
	struct quota none = { 0 };

	(void)state;
	first.throttled_ns = 100;
	last.throttled_ns = 450;

	assert_true(host_quota_since(&first, &last).throttled_count == 7);
	assert_true(host_quota_since(&first, &last).throttled_ns == 350);
	assert_false(host_quota_since(&last, &first).is_known);
	assert_false(host_quota_since(&none, &last).is_known);
	assert_false(host_quota_since(&first, &none).is_known);
}

static bool write_text(const char *directory, const char *name, const char *text)
{
	char *path OWNED(mem_freep) = xasprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "we");
	bool is_written = file && fputs(text, file) >= 0;

	if (file && fclose(file) != 0)
		return false;
	return is_written;
}

/* The directory of a cpu controller, v1 or v2; NULL: none to make a group in. */
static const char *cpu_root(bool *ret_is_v1)
{
	*ret_is_v1 = true;
	if (access("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", F_OK) == 0 ||
	    access("/sys/fs/cgroup/cpu/tasks", W_OK) == 0)
		return "/sys/fs/cgroup/cpu";
	*ret_is_v1 = false;
	if (access("/sys/fs/cgroup/cgroup.subtree_control", W_OK) == 0 &&
	    write_text("/sys/fs/cgroup", "cgroup.subtree_control", "+cpu"))
		return "/sys/fs/cgroup";
	return NULL;
}

static pid_t start_busy(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		for (;;)
			;
	}
	return pid;
}

static bool limit(const char *directory, bool is_v1)
{
	if (!is_v1)
		return write_text(directory, "cpu.max", "5000 100000");
	return write_text(directory, "cpu.cfs_period_us", "100000") &&
	       write_text(directory, "cpu.cfs_quota_us", "5000");
}

/* A group with a twentieth of a CPU, a group in it, and a busy process there. */
static void check_quota(const char *outer, const char *inner, bool is_v1)
{
	pid_t pid = start_busy();
	char *number OWNED(mem_freep) = xasprintf("%d", pid);
	struct host_cgroup *cgroup;
	struct quota first;
	struct quota last;
	struct quota quota;

	assert_true(write_text(inner, "cgroup.procs", number));
	cgroup = host_cgroup_open(pid);
	assert_non_null(cgroup);
	host_quota_read(cgroup, &first);
	/* A busy machine may leave it less than its quota for a while. */
	last = first;
	for (int i = 0; i < 100 && last.throttled_count < first.throttled_count + 3; i++) {
		usleep(100000);
		host_quota_read(cgroup, &last);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	host_quota_read(cgroup, &last); /* the process is gone, its group is not */

	assert_true(first.is_known && last.is_known);
	assert_true(last.cpus > 0.049 && last.cpus < 0.051);
	quota = host_quota_since(&first, &last);
	printf("%s: throttled %lu times, %lu ns\n", is_v1 ? "v1" : "v2", quota.throttled_count,
	       quota.throttled_ns);
	assert_true(quota.throttled_count >= 2 && quota.throttled_ns > 50000000);
	rmdir(inner);
	rmdir(outer);
	host_quota_read(cgroup, &last);
	assert_false(last.is_known);
	host_cgroup_close(cgroup);
}

static void test_host__the_quota_of_an_outer_group_counts(void **state)
{
	bool is_v1;
	const char *root = cpu_root(&is_v1);
	char *outer OWNED(mem_freep) = NULL;
	char *inner OWNED(mem_freep) = NULL;

	(void)state;
	if (!root || geteuid() != 0)
		skip();
	outer = xasprintf("%s/convoy-test-%d", root, getpid());
	inner = xasprintf("%s/inner", outer);
	if (mkdir(outer, 0755) < 0 || !limit(outer, is_v1) || mkdir(inner, 0755) < 0) {
		rmdir(outer);
		skip();
	}
	check_quota(outer, inner, is_v1);
}

static void test_host__nobody_has_no_quota(void **state)
{
	struct quota quota;

	(void)state;
	assert_null(host_cgroup_open(999999999));
	host_quota_read(NULL, &quota);
	assert_false(quota.is_known);
	host_cgroup_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host__offsets_turn_one_clock_into_another),
		cmocka_unit_test(test_host__a_busy_cpu_shows),
		cmocka_unit_test(test_host__quotas_are_subtracted_only_if_both_are_known),
		cmocka_unit_test(test_host__the_quota_of_an_outer_group_counts),
		cmocka_unit_test(test_host__nobody_has_no_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
