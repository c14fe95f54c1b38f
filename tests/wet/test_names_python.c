/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real interpreters with busy threads: every futex word they wait on is named while they run. The
 * system's python3, those of pyenv and those of $CONVOY_TEST_PYTHONS (paths with colons between).
 */
#include <dirent.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "names/names.h"

#define WORDS_MAX 64
#define LOOKS 120
#define LOOKS_MAX 4000 /* on a busy machine threads wait longer for each other */
#define LOOK_US 3000

static const char spin_script[] = "import threading\n"
				  "def spin():\n"
				  "    while True: pass\n"
				  "ts = [threading.Thread(target=spin) for _ in range(3)]\n"
				  "[t.start() for t in ts]\n"
				  "[t.join() for t in ts]\n";

/* Two interpreters with a GIL of their own, each with two busy threads; exit 3: not offered. */
static const char isolated_script[] =
	"import sys, threading\n"
	"try:\n"
	"    import _interpreters as m; new = lambda: m.create('isolated')\n"
	"except ImportError:\n"
	"    try:\n"
	"        import _xxsubinterpreters as m; new = lambda: m.create(isolated=True)\n"
	"        sys.version_info >= (3, 12) or sys.exit(3)\n"
	"    except ImportError: sys.exit(3)\n"
	"code = '''import threading\n"
	"def spin():\n"
	"    while True: pass\n"
	"t = threading.Thread(target=spin); t.start(); spin()'''\n"
	"run = m.exec if hasattr(m, 'exec') else m.run_string\n"
	"ts = [threading.Thread(target=run, args=(new(), code)) for _ in range(2)]\n"
	"[t.start() for t in ts]\n"
	"[t.join() for t in ts]\n";

static pid_t start_python(const char *python, const char *script)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDERR_FILENO); /* an interpreter without the feature complains */
		execl(python, python, "-c", script, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	usleep(200000);
	return pid;
}

struct words {
	struct futex_use list[WORDS_MAX];
	size_t count;
};

static bool has_word(const struct words *words, const struct futex_use *use)
{
	for (size_t i = 0; i < words->count; i++)
		if (words->list[i].address == use->address && words->list[i].op == use->op)
			return true;
	return false;
}

/* The futex wait that a thread sleeps in now. */
static bool read_wait(pid_t pid, const char *tid, struct futex_use *ret_use)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%s/syscall", pid, tid);
	FILE *file = fopen(path, "re");
	uint64_t number, address, op, value, timeout;
	int fields;

	if (!file)
		return false;
	fields = fscanf(file, "%" SCNu64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number,
			&address, &op, &value, &timeout);
	fclose(file);
	if (fields != 5 || number != SYS_futex)
		return false;
	*ret_use = (struct futex_use){ .address = address,
				       .op = op & FUTEX_CMD_MASK,
				       .value = (uint32_t)value };
	ret_use->flags = (op & FUTEX_PRIVATE_FLAG ? USE_PRIVATE : 0) | (timeout ? USE_TIMED : 0);
	return ret_use->op == FUTEX_WAIT || ret_use->op == FUTEX_WAIT_BITSET;
}

static void look(pid_t pid, struct words *words)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	const struct dirent *entry;
	struct futex_use use;

	while (tasks && (entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.' && read_wait(pid, entry->d_name, &use) &&
		    !has_word(words, &use) && words->count < WORDS_MAX)
			words->list[words->count++] = use;
	if (tasks)
		closedir(tasks);
}

/* What was found of the words of one process. */
struct result {
	size_t waits;
	size_t hand_overs;
	size_t others;
	size_t groups;
	uint64_t group[8];
	uint32_t interpreter[8];
};

static void count_group(struct result *result, const struct place *place)
{
	for (size_t i = 0; i < result->groups; i++)
		if (result->group[i] == place->group)
			return;
	assert_true(result->groups < 8);
	result->interpreter[result->groups] = place->interpreter;
	result->group[result->groups++] = place->group;
}

static void resolve_all(struct names *names, const struct words *words, struct result *result)
{
	struct trace *trace = trace_new();

	for (size_t i = 0; i < words->count; i++) {
		struct place *place = trace_add_place(trace);

		names_resolve(names, 1, &words->list[i], place);
		result->waits += place->gil == GIL_WAIT;
		result->hand_overs += place->gil == GIL_HAND_OVER;
		result->others += place->gil == GIL_NOT;
		if (place->gil)
			count_group(result, place);
		else
			assert_string_not_equal(place->symbol, "_PyRuntime");
	}
	trace_free(trace);
}

/* Whichever word comes first, it is the same lock. */
static void check_every_first(pid_t pid, const struct words *words, const struct result *all)
{
	for (size_t i = 0; i < words->count; i++) {
		struct words one = { .list = { words->list[i] }, .count = 1 };
		struct names *names = names_new();
		struct result result = { 0 };

		names_add_process(names, 1, pid, 0);
		resolve_all(names, &one, &result);
		for (size_t group = 0; group < result.groups; group++)
			assert_true(result.group[0] == all->group[0]);
		names_free(names);
	}
}

static void end_python(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void check_spin(const char *python)
{
	pid_t pid = start_python(python, spin_script);
	struct names *names = names_new();
	struct words words = { 0 };
	struct result result = { 0 };
	const char *interpreter;

	names_add_process(names, 1, pid, 0);
	for (int i = 0; i < LOOKS || (words.count < 2 && i < LOOKS_MAX); i++, usleep(LOOK_US))
		look(pid, &words);
	resolve_all(names, &words, &result);
	interpreter = names_interpreter(names, 1);
	printf("%s: '%s', %zu words: %zu wait for the GIL, %zu hand over, %zu other\n", python,
	       interpreter, words.count, result.waits, result.hand_overs, result.others);
	assert_true(result.waits >= 1);
	assert_int_equal(result.groups, 1);
	assert_int_equal(result.interpreter[0], 0);
	assert_true(result.others >= 1); /* the joining main thread */
	if (strncmp(interpreter, "PyPy", 4) != 0) {
		assert_int_equal(strncmp(interpreter, "CPython ", 8), 0);
		check_every_first(pid, &words, &result);
	}
	names_free(names);
	end_python(pid);
}

/* Those of pyenv, each with a colon before it. */
static char *pyenv_pythons(void)
{
	const char *root = getenv("PYENV_ROOT");
	const char *home = getenv("HOME");
	char *pattern OWNED(mem_freep) =
		root ? xasprintf("%s/versions/*/bin/python", root)
		     : xasprintf("%s/.pyenv/versions/*/bin/python", home ? home : "");
	char *list = xstrdup("");
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return list;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *longer = xasprintf("%s:%s", list, found.gl_pathv[i]);

		free(list);
		list = longer;
	}
	globfree(&found);
	return list;
}

/* Calls `check` for each interpreter there is; the number of them. */
static int for_each_python(void (*check)(const char *python))
{
	const char *more = getenv("CONVOY_TEST_PYTHONS");
	char *pyenv OWNED(mem_freep) = pyenv_pythons();
	char *list OWNED(mem_freep) =
		xasprintf("/usr/bin/python3:/usr/bin/pypy3:%s%s", more ? more : "", pyenv);
	char *rest = list;
	int count = 0;

	for (const char *python = strsep(&rest, ":"); python; python = strsep(&rest, ":")) {
		if (!*python || access(python, X_OK) != 0)
			continue;
		check(python);
		count++;
	}
	return count;
}

static void test_names_python__every_word_of_the_gil_is_one_lock(void **state)
{
	(void)state;
	if (for_each_python(check_spin) == 0)
		skip();
}

static int isolated_checked;

/* An interpreter without the feature gives up at once. */
static bool is_over_soon(pid_t pid)
{
	for (int i = 0; i < 100; i++, usleep(10000))
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
	return false;
}

static void check_isolated(const char *python)
{
	pid_t pid = start_python(python, isolated_script);
	struct names *names;
	struct words words = { 0 };
	struct result result = { 0 };

	if (is_over_soon(pid))
		return;
	names = names_new();
	names_add_process(names, 1, pid, 0);
	for (int i = 0; i < LOOKS_MAX && result.groups < 2; i++, usleep(LOOK_US)) {
		words.count = 0;
		look(pid, &words);
		resolve_all(names, &words, &result);
	}
	printf("%s: %zu GILs\n", python, result.groups);
	assert_true(result.groups >= 2);
	for (size_t i = 0; i < result.groups; i++)
		for (size_t other = 0; other < i; other++)
			assert_int_not_equal(result.interpreter[i], result.interpreter[other]);
	names_free(names);
	end_python(pid);
	isolated_checked++;
}

static void test_names_python__every_interpreter_has_its_own_gil(void **state)
{
	(void)state;
	for_each_python(check_isolated);
	if (isolated_checked == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_python__every_word_of_the_gil_is_one_lock),
		cmocka_unit_test(test_names_python__every_interpreter_has_its_own_gil),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
