/* SPDX-License-Identifier: GPL-2.0-only */
/* The capabilities that are kept while observing. */
#include "capture/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned char kept[] = {
	CAP_BPF,
	CAP_PERFMON, /* maps and iterators */
	CAP_SYS_PTRACE, /* memory and /proc files of processes of others */
	CAP_CHECKPOINT_RESTORE, /* /proc/PID/map_files: mapped files that were deleted */
	CAP_DAC_READ_SEARCH, /* files that targets map */
	CAP_KILL, /* a signal for the command, which may run as somebody else */
	CAP_DAC_OVERRIDE,
	CAP_CHOWN,
	CAP_FOWNER, /* files written in the user's place */
};

int privilege_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint32_t mask[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (size_t i = 0; i < sizeof(kept); i++)
		mask[CAP_TO_INDEX(kept[i])] |= CAP_TO_MASK(kept[i]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capget, &header, held) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		held[i].effective &= mask[i];
		held[i].permitted &= mask[i];
		held[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, held) < 0 ? -errno : 0;
}
