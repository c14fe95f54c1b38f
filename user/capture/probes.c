/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads and attaches the BPF programs and says in words why that cannot be done. */
#include "capture/probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "trace.skel.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define PAGE_BYTES 4096u

static int talk_of_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (talk_get_level() < TALK_VERBOSE || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static void explain(int err)
{
	int ignored;

	if (access(BTF_PATH, R_OK) != 0)
		ignored = fail_plain(
			err, "cannot load the BPF programs: this kernel has no type "
			     "information at " BTF_PATH
			     "; use a kernel built with CONFIG_DEBUG_INFO_BTF (5.18 or later)");
	else if (err == -EPERM && geteuid() != 0)
		ignored = fail_plain(err, "cannot load the BPF programs: not root; "
					  "run it with sudo");
	else if (err == -EPERM)
		ignored = fail_plain(err,
				     "cannot load the BPF programs: the bpf() system call is "
				     "not permitted here (CAP_BPF and CAP_PERFMON are needed; "
				     "a container or seccomp may forbid it); run it on the host");
	else if (err == -ENOSYS)
		ignored = fail_plain(err, "cannot load the BPF programs: this kernel has no bpf() "
					  "system call; use one built with CONFIG_BPF_SYSCALL");
	else
		ignored = fail(err, "cannot load the BPF programs (-v shows the kernel's words)");
	(void)ignored;
}

/* Offset of a per-CPU variable in its section, or -1. */
static int64_t percpu_offset(const struct btf *btf, const char *name)
{
	int variable = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	int section = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
	const struct btf_var_secinfo *info;
	const struct btf_type *type;

	if (variable < 0 || section < 0)
		return -1;
	type = btf__type_by_id(btf, (uint32_t)section);
	info = btf_var_secinfos(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		if (info[i].type == (uint32_t)variable)
			return info[i].offset;
	}
	return -1;
}

/* Offset in bytes of a member of a struct, or -1. */
static int64_t member_offset(const struct btf *btf, const char *of, const char *name)
{
	int id = btf__find_by_name_kind(btf, of, BTF_KIND_STRUCT);
	const struct btf_member *members;
	const struct btf_type *type;

	if (id < 0)
		return -1;
	type = btf__type_by_id(btf, (uint32_t)id);
	members = btf_members(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		const char *member = btf__name_by_offset(btf, members[i].name_off);

		if (member && strcmp(member, name) == 0)
			return btf_member_bit_offset(type, (uint32_t)i) / 8;
		if (member &&
		    !*member) { /* pcpu_hot keeps its members in an unnamed union of a struct */
			const struct btf_type *inner = btf__type_by_id(btf, members[i].type);

			for (int j = 0; btf_is_composite(inner) && j < btf_vlen(inner); j++) {
				const struct btf_type *deep =
					btf__type_by_id(btf, btf_members(inner)[j].type);

				for (int k = 0; btf_is_composite(deep) && k < btf_vlen(deep); k++) {
					member = btf__name_by_offset(btf,
								     btf_members(deep)[k].name_off);
					if (member && strcmp(member, name) == 0)
						return (btf_member_bit_offset(type, (uint32_t)i) +
							btf_member_bit_offset(inner, (uint32_t)j) +
							btf_member_bit_offset(deep, (uint32_t)k)) /
						       8;
				}
			}
		}
	}
	return -1;
}

/* From a CPU's run queue to its preempt count, 0 if the kernel's types do not tell. */
static int64_t preempt_count_distance(const struct btf *btf)
{
	int64_t queue = percpu_offset(btf, "runqueues");
	int64_t count = percpu_offset(btf, "__preempt_count"); /* up to 6.1 and from 6.14 on */
	int64_t hot = percpu_offset(btf, "pcpu_hot"); /* in between */

	if (count < 0 && hot >= 0) {
		count = member_offset(btf, "pcpu_hot", "preempt_count");
		count = count < 0 ? -1 : hot + count;
	}
	return queue < 0 || count < 0 ? 0 : count - queue;
}

bool probes_know_interrupts(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool is_known = btf && preempt_count_distance(btf) != 0;

	btf__free(btf);
	return is_known;
}

/* What the kernel's types tell of what this kernel can do. */
static void configure_for_kernel(struct trace_bpf *probes)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return;
	probes->rodata->preempt_count_from_rq = preempt_count_distance(btf);
	probes->rodata->has_rdonly_cast =
		btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
	btf__free(btf);
}

static uint32_t ring_size(uint64_t wanted, uint32_t standard)
{
	uint64_t size = PAGE_BYTES;

	if (!wanted)
		return standard;
	while (size < wanted && size < (1u << 30))
		size *= 2;
	return (uint32_t)size;
}

static int configure(struct trace_bpf *probes, const struct session_options *options)
{
	uint32_t standard = bpf_map__max_entries(probes->maps.turns);

	probes->rodata->own_tgid = getpid();
	configure_for_kernel(probes);
	probes->rodata->wants_turns = !options->is_live;
	bpf_program__set_autoload(probes->progs.on_syscall_exit, !options->is_lean);
	bpf_program__set_autoload(probes->progs.peek_targets, options->is_live);
	return bpf_map__set_max_entries(probes->maps.turns,
					ring_size(options->ring_bytes, standard));
}

struct trace_bpf *probes_open(const struct session_options *options)
{
	struct trace_bpf *probes;
	int err;

	libbpf_set_print(talk_of_libbpf);
	probes = trace_bpf__open();
	if (!probes) {
		explain(-errno);
		return NULL;
	}
	err = configure(probes, options);
	if (!err)
		err = trace_bpf__load(probes);
	if (!err)
		err = trace_bpf__attach(probes);
	if (err) {
		explain(err);
		trace_bpf__destroy(probes);
		return NULL;
	}
	return probes;
}

void probes_detach(struct trace_bpf *probes)
{
	trace_bpf__detach(probes);
}

void probes_close(struct trace_bpf *probes)
{
	if (probes)
		trace_bpf__destroy(probes);
}

/* What the kernel charges for a map, from the description of its descriptor. */
static uint64_t map_memory(int map_fd)
{
	OWNED(mem_freep) char *path = xasprintf("/proc/self/fdinfo/%d", map_fd);
	FILE *file = fopen(path, "re");
	unsigned long long bytes = 0;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	}
	fclose(file);
	return bytes;
}

void probes_read_cost(struct trace_bpf *probes, struct probes_cost *ret_cost)
{
	struct bpf_program *program;
	struct bpf_map *map;

	memset(ret_cost, 0, sizeof(*ret_cost));
	bpf_object__for_each_program(program, probes->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_program__fd(program) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		ret_cost->run_ns += info.run_time_ns;
		ret_cost->recursion_misses += info.recursion_misses;
	}
	bpf_object__for_each_map(map, probes->obj) ret_cost->memory_bytes +=
		map_memory(bpf_map__fd(map));
}
