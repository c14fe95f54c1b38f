/* SPDX-License-Identifier: GPL-2.0-only */
/* The files a CPU quota is read from: cgroup, mountinfo, and those of the cgroup. */
#include <math.h>

#include "capture/host.h"
#include "fuzz.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct host_cgroup *cgroup;
	struct quota quota;

	world_begin(input, size);
	cgroup = host_cgroup_open(WORLD_PID);
	host_quota_read(cgroup, &quota);
	must(isfinite(quota.cpus) && quota.cpus >= 0, "a quota is a number");
	host_quota_since(&quota, &quota);
	host_cgroup_close(cgroup);
	world_end();
	return 0;
}
