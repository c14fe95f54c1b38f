/* SPDX-License-Identifier: GPL-2.0-only */
/* The held child: what it inherits, who it is, how it starts, fails and dies. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/spawn.h"

#define NOBODY 65534

static const int as_they_are[3] = { -1, -1, -1 };
static const struct run_as nobody_changes;

static int wait_status(struct spawn *spawn)
{
	int status = -1;

	for (int i = 0; i < 5000 && status < 0; i++, usleep(1000))
		status = spawn_reap(spawn);
	return status;
}

/* Runs argv with its output in ret_text; its status. */
static int run(char *const argv[], const struct run_as *as, char *ret_text, size_t size)
{
	int output[2];
	int stdio[3] = { -1, -1, -1 };
	struct spawn spawn;
	size_t used = 0;
	ssize_t got;
	int err;

	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	stdio[1] = output[1];
	assert_int_equal(spawn_hold(&spawn, argv, as, stdio), 0);
	close(output[1]);
	err = spawn_release(&spawn);
	while (err == 0 && used < size - 1 &&
	       (got = read(output[0], ret_text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	ret_text[used] = '\0';
	close(output[0]);
	if (err == 0)
		err = wait_status(&spawn);
	spawn_close(&spawn);
	return err;
}

static int run_shell(const char *script, const struct run_as *as, char *ret_text, size_t size)
{
	char *const argv[] = { "sh", "-c", (char *)script, NULL };

	return run(argv, as, ret_text, size);
}

static void test_spawn__exit_codes_and_signals_come_as_a_shell_shows_them(void **state)
{
	static const int codes[] = { 0, 1, 7, 127, 255 };
	static const int signals[] = { SIGHUP,	SIGINT,	 SIGQUIT, SIGABRT, SIGKILL,
				       SIGSEGV, SIGPIPE, SIGTERM, SIGUSR1 };
	char script[64];
	char text[64];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		snprintf(script, sizeof(script), "exit %d", codes[i]);
		assert_int_equal(run_shell(script, &nobody_changes, text, sizeof(text)), codes[i]);
	}
	for (size_t i = 0; i < 9; i++) {
		snprintf(script, sizeof(script), "ulimit -c 0; kill -%d $$", signals[i]);
		assert_int_equal(run_shell(script, &nobody_changes, text, sizeof(text)),
				 128 + signals[i]);
	}
}

static void test_spawn__nothing_runs_before_the_release(void **state)
{
	char path[] = "/tmp/test_spawn.XXXXXX";
	char *argv[] = { "rm", path, NULL };
	int fd = mkstemp(path);
	struct spawn spawn;

	(void)state;
	assert_int_equal(spawn_hold(&spawn, argv, &nobody_changes, as_they_are), 0);
	usleep(50000);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(spawn_reap(&spawn), -1);

	assert_int_equal(spawn_release(&spawn), 0);
	assert_int_equal(wait_status(&spawn), 0);
	assert_int_equal(access(path, F_OK), -1);
	spawn_close(&spawn);
	close(fd);
}

static void test_spawn__a_failed_exec_gives_its_reason(void **state)
{
	char path[] = "/tmp/test_spawn.XXXXXX";
	char *not_executable[] = { path, NULL };
	char *missing[] = { "no-such-command-anywhere", NULL };
	char *directory[] = { "/tmp", NULL };
	char text[16];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(run(missing, &nobody_changes, text, sizeof(text)), -ENOENT);
	assert_int_equal(run(not_executable, &nobody_changes, text, sizeof(text)), -EACCES);
	assert_int_equal(run(directory, &nobody_changes, text, sizeof(text)), -EACCES);
	unlink(path);
	close(fd);
}

static void test_spawn__the_child_inherits_no_descriptor(void **state)
{
	char text[4096];
	int open_fds[64];

	(void)state;
	for (int i = 0; i < 64; i++)
		open_fds[i] = open("/dev/null", O_RDONLY); /* not close-on-exec */

	/* ls has one of its own. */
	assert_int_equal(
		run_shell("ls /proc/self/fd | tr '\\n' ' '", &nobody_changes, text, sizeof(text)),
		0);
	assert_string_equal(text, "0 1 2 3 ");
	for (int i = 0; i < 64; i++)
		close(open_fds[i]);
}

static void test_spawn__signals_and_limits_are_as_they_were_found(void **state)
{
	struct rlimit before;
	struct rlimit raised;
	sigset_t blocked;
	char expected[64];
	char *status[] = { "cat", "/proc/self/status", NULL };
	char text[8192];

	(void)state;
	/* Whoever runs the tests may ignore some: a shell's background jobs do not see SIGINT. */
	for (int number = 1; number < SIGRTMIN; number++)
		signal(number, SIG_DFL);
	signal(SIGUSR2, SIG_IGN);
	spawn_remember_signals();
	signal(SIGUSR2, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	getrlimit(RLIMIT_NOFILE, &before);
	raised = before;
	raised.rlim_cur = before.rlim_cur / 2;
	setrlimit(RLIMIT_NOFILE, &raised);

	/* A shell and its friends change their own signals: cat does not. */
	assert_int_equal(run(status, &nobody_changes, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "\nSigBlk:\t0000000000000000\n"));
	snprintf(expected, sizeof(expected), "\nSigIgn:\t%016llx\n", 1ULL << (SIGUSR2 - 1));
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "\nSigCgt:\t0000000000000000\n"));
	assert_int_equal(run_shell("ulimit -n", &nobody_changes, text, sizeof(text)), 0);
	snprintf(expected, sizeof(expected), "%llu\n", (unsigned long long)before.rlim_cur);
	assert_string_equal(text, expected);
	setrlimit(RLIMIT_NOFILE, &before);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_DFL);
	spawn_remember_signals();
}

static void test_spawn__a_child_never_released_is_killed(void **state)
{
	char *argv[] = { "sleep", "60", NULL };
	struct spawn spawn;
	pid_t pid;

	(void)state;
	assert_int_equal(spawn_hold(&spawn, argv, &nobody_changes, as_they_are), 0);
	pid = spawn.pid;
	spawn_close(&spawn);

	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* As if convoy were killed: nobody closes anything. */
static void test_spawn__the_child_ends_when_its_parent_dies(void **state)
{
	char *argv[] = { "sleep", "60", NULL };
	int told[2];
	pid_t held = 0;
	pid_t parent;

	(void)state;
	assert_int_equal(pipe(told), 0);
	parent = fork();
	if (parent == 0) {
		struct spawn spawn;

		if (spawn_hold(&spawn, argv, &nobody_changes, as_they_are) == 0 &&
		    write(told[1], &spawn.pid, sizeof(spawn.pid)) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(read(told[0], &held, sizeof(held)), sizeof(held));
	waitpid(parent, NULL, 0);

	/* It may wait for its new parent as a zombie. */
	for (int i = 0; i < 1000; i++, usleep(1000)) {
		char path[64];
		char word = 'Z';
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", held);
		file = fopen(path, "re");
		if (!file || fscanf(file, "%*d (%*[^)]) %c", &word) != 1)
			word = 'Z';
		if (file)
			fclose(file);
		if (word == 'Z')
			break;
		assert_true(i < 999);
	}
	close(told[0]);
	close(told[1]);
}

/* Changing the user alone would not take these away. */
static void make_inheritable(bool is_on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = is_on ? data[i].permitted : 0;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void test_spawn__the_command_runs_as_the_user_and_no_more(void **state)
{
	static const gid_t extra[] = { 0, 4, 27 };
	struct run_as as;
	char text[512];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(3, extra), 0);
	make_inheritable(true);
	unsetenv("SUDO_GID");
	assert_int_equal(run_as_decide("nobody", false, &as), 0);
	assert_true(as.changes);

	assert_int_equal(run_shell("awk '/^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)):/ { $1 = $1; "
				   "print }' /proc/self/status; echo $HOME $USER $LOGNAME $SHELL",
				   &as, text, sizeof(text)),
			 0);
	assert_string_equal(text, "Uid: 65534 65534 65534 65534\n"
				  "Gid: 65534 65534 65534 65534\n"
				  "Groups: 65534\n"
				  "CapInh: 0000000000000000\n"
				  "CapPrm: 0000000000000000\n"
				  "CapEff: 0000000000000000\n"
				  "CapAmb: 0000000000000000\n"
				  "/nonexistent nobody nobody /usr/sbin/nologin\n");
	run_as_release(&as);
	make_inheritable(false);
	setgroups(0, NULL);
}

static void test_spawn__a_file_only_root_may_run_is_refused_to_the_user(void **state)
{
	char path[] = "/tmp/test_spawn.XXXXXX";
	char *argv[] = { path, NULL };
	int fd = mkstemp(path);
	struct run_as as;
	char text[16];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(fchmod(fd, 0700), 0);
	assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
	close(fd);
	assert_int_equal(run_as_decide("65534", false, &as), 0);

	assert_int_equal(run(argv, &as, text, sizeof(text)), -EACCES);
	run_as_release(&as);
	unlink(path);
}

static int decide(const char *uid, const char *gid, bool as_root, struct run_as *ret_as)
{
	if (uid)
		setenv("SUDO_UID", uid, 1);
	else
		unsetenv("SUDO_UID");
	if (gid)
		setenv("SUDO_GID", gid, 1);
	else
		unsetenv("SUDO_GID");
	return run_as_decide(NULL, as_root, ret_as);
}

static void test_run_as__sudo_is_believed_only_if_well_formed(void **state)
{
	static const char *const bad[] = { "",		 "-1",	 "+5",	"5 ",
					   " 5",	 "0x5",	 "5.0", "4294967295",
					   "4294967296", "root", "5\n", "99999999999999999999" };
	struct run_as as;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decide(bad[i], "5", false, &as), -EINVAL);
		assert_int_equal(decide("5", bad[i], false, &as), -EINVAL);
		assert_int_equal(decide(bad[i], "5", true, &as), 0);
		assert_false(as.changes);
	}
	assert_int_equal(decide("5", NULL, false, &as), -EINVAL);
	assert_int_equal(decide(NULL, "5", false, &as), -EINVAL);
	assert_int_equal(decide(NULL, NULL, false, &as), 0);
	assert_false(as.changes);
	assert_int_equal(decide("0", "0", false, &as), 0);
	assert_false(as.changes);

	assert_int_equal(decide("65534", "7", false, &as), 0);
	assert_true(as.changes && as.uid == NOBODY && as.gid == 7);
	assert_string_equal(as.name, "nobody");
	run_as_release(&as);
	assert_int_equal(decide("54321", "7", false, &as), 0);
	assert_true(as.changes && as.uid == 54321);
	assert_string_equal(as.name, "54321");
	run_as_release(&as);
	decide(NULL, NULL, false, &as);
}

static void test_run_as__an_unknown_user_is_refused(void **state)
{
	struct run_as as;

	(void)state;
	assert_int_equal(run_as_decide("no-such-user", false, &as), -EINVAL);
	assert_int_equal(run_as_decide("", false, &as), -EINVAL);
	assert_int_equal(run_as_decide("-1", false, &as), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spawn__exit_codes_and_signals_come_as_a_shell_shows_them),
		cmocka_unit_test(test_spawn__nothing_runs_before_the_release),
		cmocka_unit_test(test_spawn__a_failed_exec_gives_its_reason),
		cmocka_unit_test(test_spawn__the_child_inherits_no_descriptor),
		cmocka_unit_test(test_spawn__signals_and_limits_are_as_they_were_found),
		cmocka_unit_test(test_spawn__a_child_never_released_is_killed),
		cmocka_unit_test(test_spawn__the_child_ends_when_its_parent_dies),
		cmocka_unit_test(test_spawn__the_command_runs_as_the_user_and_no_more),
		cmocka_unit_test(test_spawn__a_file_only_root_may_run_is_refused_to_the_user),
		cmocka_unit_test(test_run_as__sudo_is_believed_only_if_well_formed),
		cmocka_unit_test(test_run_as__an_unknown_user_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
