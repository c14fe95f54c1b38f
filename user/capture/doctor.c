/* SPDX-License-Identifier: GPL-2.0-only */
/* Examines whether convoy can work here. */
#include "capture/doctor.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "capture/probes.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define KERNEL_MAJOR 5 /* 5.18 gave sched_switch the state as an argument */
#define KERNEL_MINOR 18
#define INITIAL_PID_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO of the kernel's headers */
#define CGROUP2_MAGIC 0x63677270
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static void answer(struct diagnosis *diagnosis, enum health health, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void answer(struct diagnosis *diagnosis, enum health health, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diagnosis->health = health;
	vsnprintf(diagnosis->found, sizeof(diagnosis->found), format, args);
	va_end(args);
}

/* First line of a small file, without its end; false if it cannot be read. */
static bool read_line(const char *path, char *line, size_t bytes)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(line, (int)bytes, file);

	if (file)
		fclose(file);
	if (is_read)
		line[strcspn(line, "\n")] = '\0';
	return is_read;
}

static uint64_t effective_capabilities(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long mask = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %llx", &mask) == 1)
			break;
	}
	if (file)
		fclose(file);
	return mask;
}

static bool has_capability(int number)
{
	return effective_capabilities() & (1ULL << number);
}

static void ask_privilege(struct diagnosis *diagnosis)
{
	bool may_bpf = has_capability(CAP_BPF) || has_capability(CAP_SYS_ADMIN);
	bool may_trace = has_capability(CAP_PERFMON) || has_capability(CAP_SYS_ADMIN);

	if (may_bpf && may_trace)
		answer(diagnosis, HEALTH_GOOD, "user %u, CAP_BPF and CAP_PERFMON", geteuid());
	else
		answer(diagnosis, HEALTH_BAD, "user %u lacks%s%s", geteuid(),
		       may_bpf ? "" : " CAP_BPF", may_trace ? "" : " CAP_PERFMON");
}

static void ask_kernel(struct diagnosis *diagnosis)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	answer(diagnosis,
	       major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR)
		       ? HEALTH_GOOD
		       : HEALTH_BAD,
	       "Linux %.64s on %.16s", name.release, name.machine);
	if (strcmp(name.machine, "x86_64") != 0)
		diagnosis->health = HEALTH_BAD;
}

static void ask_types(struct diagnosis *diagnosis)
{
	if (access(BTF_PATH, R_OK) == 0)
		answer(diagnosis, HEALTH_GOOD, "%s can be read", BTF_PATH);
	else
		answer(diagnosis, HEALTH_BAD, "%s: %s", BTF_PATH, strerror(errno));
}

static void ask_lockdown(struct diagnosis *diagnosis)
{
	char line[128];

	if (!read_line("/sys/kernel/security/lockdown", line, sizeof(line)))
		answer(diagnosis, HEALTH_GOOD, "not in force, or not shown");
	else if (strstr(line, "[confidentiality]"))
		answer(diagnosis, HEALTH_BAD, "confidentiality: kernel memory must not be read");
	else
		answer(diagnosis, HEALTH_GOOD, "%.64s", line);
}

static void ask_bpf_call(struct diagnosis *diagnosis)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "convoy_doctor", 4, 4, 1, NULL);

	if (map >= 0) {
		close(map);
		answer(diagnosis, HEALTH_GOOD, "a map can be made");
	} else {
		answer(diagnosis, HEALTH_BAD, "no map can be made: %s", strerror(errno));
	}
}

static void ask_programs(struct diagnosis *diagnosis)
{
	struct session_options options = { 0 };
	enum talk_level level = talk_get_level();
	struct trace_bpf *probes;

	/* What libbpf and the kernel say of it is told by the rows above, or by -v. */
	if (level < TALK_VERBOSE)
		talk_set_level(TALK_SILENT);
	probes = probes_open(&options);
	talk_set_level(level);
	if (probes)
		answer(diagnosis, HEALTH_GOOD, "all load and attach");
	else
		answer(diagnosis, HEALTH_BAD, "they cannot be loaded (-v shows why)");
	probes_close(probes);
}

static void ask_interrupts(struct diagnosis *diagnosis)
{
	if (probes_know_interrupts())
		answer(diagnosis, HEALTH_GOOD, "interrupts are told from wakers");
	else
		answer(diagnosis, HEALTH_LIMITED,
		       "the kernel's types do not show its preempt count");
}

static void ask_statistics(struct diagnosis *diagnosis)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats >= 0) {
		close(stats);
		answer(diagnosis, HEALTH_GOOD, "can be turned on while measuring");
	} else {
		answer(diagnosis, HEALTH_LIMITED, "cannot be turned on: %s", strerror(errno));
	}
}

static void ask_namespace(struct diagnosis *diagnosis)
{
	char link[64];
	ssize_t length = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	if (length < 0) {
		answer(diagnosis, HEALTH_LIMITED, "/proc/self/ns/pid: %s", strerror(errno));
		return;
	}
	link[length] = '\0';
	if (strcmp(link, INITIAL_PID_NAMESPACE) == 0)
		answer(diagnosis, HEALTH_GOOD, "the host's");
	else
		answer(diagnosis, HEALTH_LIMITED, "one of its own: ids differ from the kernel's");
}

static void ask_memory(struct diagnosis *diagnosis)
{
	char line[16] = "0";
	bool may_read = has_capability(CAP_SYS_PTRACE);

	read_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof(line));
	if (may_read)
		answer(diagnosis, HEALTH_GOOD, "CAP_SYS_PTRACE, ptrace_scope %.4s", line);
	else
		answer(diagnosis, HEALTH_LIMITED, "no CAP_SYS_PTRACE, ptrace_scope %.4s", line);
}

static void ask_files(struct diagnosis *diagnosis)
{
	if (has_capability(CAP_SYS_ADMIN) || has_capability(40 /* CAP_CHECKPOINT_RESTORE */))
		answer(diagnosis, HEALTH_GOOD, "by /proc/PID/map_files, deleted ones too");
	else
		answer(diagnosis, HEALTH_LIMITED, "by path only, not deleted ones");
}

static void ask_cgroup(struct diagnosis *diagnosis)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) != 0)
		answer(diagnosis, HEALTH_LIMITED, "/sys/fs/cgroup: %s", strerror(errno));
	else if (fs.f_type == CGROUP2_MAGIC)
		answer(diagnosis, HEALTH_GOOD, "cgroup v2");
	else if (access("/sys/fs/cgroup/cpu", R_OK) == 0)
		answer(diagnosis, HEALTH_GOOD, "cgroup v1, cpu controller mounted");
	else
		answer(diagnosis, HEALTH_LIMITED, "no cpu controller at /sys/fs/cgroup");
}

const struct question doctor_questions[] = {
	{ "kernel", true, ask_kernel, "everything", "use Linux 5.18 or later on x86-64" },
	{ "privilege", true, ask_privilege, "everything",
	  "run convoy with sudo, or give it these capabilities" },
	{ "kernel types (BTF)", true, ask_types, "everything",
	  "use a kernel built with CONFIG_DEBUG_INFO_BTF" },
	{ "lockdown", true, ask_lockdown, "everything",
	  "boot with lockdown=integrity or without lockdown" },
	{ "bpf() system call", true, ask_bpf_call, "everything",
	  "leave the container or the seccomp filter that forbids it; run on the host" },
	{ "BPF programs", true, ask_programs, "everything", "mend the rows above; then see -v" },
	{ "wakers", false, ask_interrupts,
	  "a wake-up out of an interrupt may be put down to a thread",
	  "use a kernel with CONFIG_FAIR_GROUP_SCHED" },
	{ "BPF statistics", false, ask_statistics, "the cost of convoy's programs is not measured",
	  "run convoy with sudo" },
	{ "PID namespace", false, ask_namespace, "processes are shown by the ids of the host",
	  "run convoy on the host, outside of containers" },
	{ "memory of targets", false, ask_memory, "GIL and lock holders are not named",
	  "run convoy with sudo, or give it CAP_SYS_PTRACE" },
	{ "mapped files", false, ask_files, "locks in deleted files are not named",
	  "run convoy with sudo" },
	{ "CPU quota", false, ask_cgroup, "a CPU quota that throttles is not seen",
	  "mount the cgroup file system" },
	{ 0 },
};
