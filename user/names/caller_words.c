/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions are a library's: known by name. */
#include <string.h>

#include "names/caller.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool has_prefix(const char *text, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static bool has_part(const char *text, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(text, parts[i]))
			return true;
	return false;
}

bool is_library_call(const char *function)
{
	static const char *const calls[] = {
		"pthread_",  "sem_",	 "mtx_",     "cnd_",
		"thrd_",     "GOMP_",	 "omp_set_", "ZNSt18condition_variable4wait",
		"call_once", "new_sem_",
	};

	return has_prefix(function + strspn(function, "_"), calls, COUNT(calls));
}

bool is_wait_call(const char *function)
{
	static const char *const others[] = {
		"unlock", "post",	  "init",	"destroy", "signal", "create",
		"cancel", "broadcast",	  "specific",	"self",	   "detach", "attr",
		"exit",	  "critical_end", "atomic_end", "unset",   "try",    "kill",
	};

	return is_library_call(function) && !has_part(function, others, COUNT(others));
}

bool is_start_call(const char *function)
{
	return strstr(function, "libc_start") != NULL;
}

bool is_runtime_function(const char *function)
{
	static const char *const prefixes[] = {
		/* C++ and Rust, and templates of theirs that stay mangled. */
		"std::",
		"core::",
		"alloc::",
		"parking_lot",
		"_$LT$",
		"_ZNSt",
		"_ZNKSt",
		"_ZSt",
		"__gthread_",
		"__cxa_guard",
		/* Go. */
		"runtime.",
		"sync.",
		"internal/sync.",
		/* The JVM. */
		"PlatformEvent::",
		"os::PlatformEvent::",
		"PlatformMonitor::",
		"os::PlatformMonitor::",
		"Parker::",
		"ParkEvent::",
		"Monitor::",
		"Mutex::",
		"MonitorLocker::",
		"MutexLocker::",
		/* CPython. */
		"PyThread_acquire_lock",
		"acquire_timed",
		"_PySemaphore_Wait",
		"_PyParkingLot_Park",
		"PyEvent_Wait",
		"_PyEvent_Wait",
		/* PostgreSQL. */
		"PGSemaphoreLock",
	};

	return has_prefix(function, prefixes, COUNT(prefixes)) || is_wait_call(function);
}

bool is_plain_wait(const char *function)
{
	static const char *const names[] = { "syscall", "runtime.futex", "__lll_lock_wait",
					     "__futex_", "futex_" };
	static const char *const parts[] = { "futex_wait", "_slow64", "futex_abstimed",
					     "__platform_wait", "_M_futex_wait" };

	return has_prefix(function, names, COUNT(names)) || has_part(function, parts, COUNT(parts));
}
