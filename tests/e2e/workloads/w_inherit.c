/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Says what it inherited: open descriptors, signal mask and dispositions, niceness, limits,
 * capabilities, ids and environment. Run once bare and once under convoy, the output must not
 * differ.
 */
#include "w.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void say_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("fd number=%d\n", fd);
}

static void say_status(void)
{
	static const char *const keys[] = { "Uid:",    "Gid:",	  "Groups:",	"SigBlk:",
					    "SigIgn:", "SigCgt:", "CapEff:",	"CapPrm:",
					    "CapInh:", "CapAmb:", "NoNewPrivs:" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[512];

	w_check(file, "/proc/self/status");
	while (fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (!strncmp(line, keys[i], strlen(keys[i])))
				printf("status %s", line);
	fclose(file);
}

static void say_limits(void)
{
	struct rlimit limit;

	for (int which = 0; which < RLIMIT_NLIMITS; which++)
		if (!getrlimit((__rlimit_resource_t)which, &limit))
			printf("limit number=%d soft=%llu hard=%llu\n", which,
			       (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	printf("nice value=%d\n", getpriority(PRIO_PROCESS, 0));
}

int main(void)
{
	static const char *const names[] = { "HOME", "USER", "LOGNAME", "SHELL", "PATH" };

	say_descriptors();
	say_status();
	say_limits();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("env %s=%s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "(unset)");
	printf("group pid=%d leads=%d session=%d\n", getpid() > 0, getpgrp() == getpid(),
	       getsid(0) == getpid());
	return 0;
}
