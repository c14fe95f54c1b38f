/* SPDX-License-Identifier: GPL-2.0-only */
/* Marks in a map, threads by the task iterator. */
#include "capture/targets.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "base/err.h"
#include "trace.skel.h"

#define SCAN_PASSES_MAX 64

int targets_mark(struct trace_bpf *probes, pid_t pid)
{
	uint32_t no_proc = 0;

	if (bpf_map_update_elem(bpf_map__fd(probes->maps.target_pids), &pid, &no_proc, BPF_ANY))
		return fail(-errno, "cannot mark process %d as a target", pid);
	return 0;
}

/* One pass over all tasks; how many targets were new, or negative errno. */
static int scan_once(struct trace_bpf *probes)
{
	uint32_t before = probes->bss->scan_found;
	int fd = bpf_iter_create(bpf_link__fd(probes->links.scan_targets));
	char ignored[64];
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "cannot list the threads");
	do {
		got = read(fd, ignored, sizeof(ignored));
	} while (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)));
	close(fd);
	return (int)(probes->bss->scan_found - before);
}

/* Repeats until a pass finds nothing new, then once more for threads caught in the middle of a
 * switch. */
int targets_scan(struct trace_bpf *probes)
{
	int found;

	for (int pass = 0; pass < SCAN_PASSES_MAX; pass++) {
		found = scan_once(probes);
		if (found < 0)
			return found;
		if (found == 0 && pass > 0)
			return 0;
	}
	return 0;
}
