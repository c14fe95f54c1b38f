/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads whose names try to break out of whatever shows them: w_names [--ms N]. Prints
 * "name tid=… hex=…" for each.
 */
#include "w.h"

#include <string.h>
#include <sys/prctl.h>

static const char *const names[] = {
	"\033[31mred\033[2J",
	"new\nline\r",
	"a,\"b\",c",
	"\xff\xfe\xc3(",
	"=1+1",
	"@sum",
	"\xe2\x80\xae"
	"desrever",
	"back\\x41slash",
	"\tTAB",
	"<script>x",
	"\x7f\x9b"
	"31m",
	"-1",
	"+1",
	" ",
};

#define NAMES (sizeof(names) / sizeof(names[0]))
static uint64_t rest_ns;
static pid_t tids[NAMES];

static void *carry(void *argument)
{
	size_t number = (size_t)(uintptr_t)argument;

	tids[number] = w_tid();
	prctl(PR_SET_NAME, names[number]);
	w_rest(rest_ns);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NAMES];

	rest_ns = w_number(argc, argv, "--ms", 50) * W_MS;
	for (size_t i = 0; i < NAMES; i++)
		threads[i] = w_start(carry, (void *)(uintptr_t)i);
	for (size_t i = 0; i < NAMES; i++)
		w_join(threads[i]);
	for (size_t i = 0; i < NAMES; i++) {
		printf("name tid=%d hex=", tids[i]);
		for (const char *byte = names[i]; *byte && byte < names[i] + 15; byte++)
			printf("%02x", (unsigned char)*byte);
		printf("\n");
	}
	return 0;
}
