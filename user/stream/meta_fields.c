/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of the plain fields of meta.json. */
#include "stream/meta_fields.h"

#include "stream/trace.h"

#define AT(member) offsetof(struct meta, member)

const struct meta_field meta_fields[] = {
	{ "version", META_STRING, AT(version) },
	{ "kind", META_STRING, AT(kind) },
	{ "mode", META_STRING, AT(mode) },
	{ "command", META_STRINGS, AT(command) },
	{ "kernel", META_STRING, AT(kernel) },
	{ "arch", META_STRING, AT(arch) },
	{ "interpreter", META_STRING, AT(interpreter) },
	{ "variant", META_STRING, AT(variant) },
	{ "baseline", META_STRING, AT(baseline) },
	{ "round", META_U32, AT(round) },
	{ "count", META_U64, AT(count) },
	{ "uid", META_U32, AT(uid) },
	{ "cpus_online", META_U32, AT(cpus_online) },
	{ "root_pid", META_S32, AT(root_pid) },
	{ "exit_status", META_S32, AT(exit_status) },
	{ "start_ns", META_U64, AT(start_ns) },
	{ "end_ns", META_U64, AT(end_ns) },
	{ "realtime_offset_ns", META_S64, AT(realtime_offset_ns) },
	{ "boottime_offset_ns", META_S64, AT(boottime_offset_ns) },
	{ "complete", META_BOOL, AT(is_complete) },
	{ "truncated", META_BOOL, AT(is_truncated) },
	{ "interrupted", META_BOOL, AT(is_interrupted) },
	{ "slices_produced", META_U64, AT(slices_produced) },
	{ "slices_lost", META_U64, AT(slices_lost) },
	{ "recursion_misses", META_U64, AT(recursion_misses) },
	{ "steal_ns", META_MEASURED, AT(steal_ns) },
	{ "others_run_ns", META_MEASURED, AT(others_run_ns) },
	{ "own_cpu_ns", META_MEASURED, AT(own_cpu_ns) },
	{ "bpf_run_ns", META_MEASURED, AT(bpf_run_ns) },
	{ "bpf_memory_bytes", META_MEASURED, AT(bpf_memory_bytes) },
	{ "missing", META_STRINGS, AT(missing) },
	{ "left_behind", META_STRINGS, AT(left_behind) },
	{ 0 },
};

static const char *const loss_names[LOSS_COUNT] = {
	[LOSS_SLICE_RING] = "slice_ring", [LOSS_LIFE_RING] = "life_ring",
	[LOSS_STORAGE] = "storage",	  [LOSS_DEAD_FULL] = "dead_full",
	[LOSS_USES_FULL] = "uses_full",	  [LOSS_CLOCK_BACK] = "clock_back",
	[LOSS_UNMATCHED] = "unmatched",	  [LOSS_COMPAT] = "compat",
	[LOSS_TURNS_RING] = "turns_ring", [LOSS_WORDS_FULL] = "words_full",
	[LOSS_REPAIRED] = "repaired",
};

const char *meta_loss_name(size_t loss)
{
	return loss_names[loss];
}
