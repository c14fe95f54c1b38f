/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One observation from begin to end: probes in, targets marked, window opened, records drained,
 * window closed, all of it handed over as a trace. The wet half of `run`, `attach` and `countdown`.
 *
 * Life: session_open → (session_spawn | session_attach) → session_step until it says done →
 * session_finish → session_close. Errors are negative errno, printed where they occur (err.h) with
 * what failed, why and what to try.
 */
#ifndef CONVOY_CAPTURE_SESSION_H
#define CONVOY_CAPTURE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record.h"

struct session;
struct trace;

struct session_options {
	bool is_lean; /* without the futex tracepoint */
	bool is_live; /* totals only: no slices are recorded, session_peek shows the totals */
	bool counts_bpf_time; /* turn on BPF run-time statistics while observing */
	bool waits_for_descendants; /* run: --wait */
	bool keeps_privilege; /* another session follows in this process: privilege.h */
	uint64_t ring_bytes; /* 0: default */
	uint64_t max_bytes; /* limit of the slices spooled, 0: none */
};

/* Who the command runs as. */
struct run_as {
	bool changes; /* else as convoy itself */
	uid_t uid;
	gid_t gid;
	char *name; /* user name, owned */
	char *home;
	char *shell;
};

/*
 * Decides from the options and sudo's variables: user != NULL: that user; as_root: no change; else
 * $SUDO_UID if set and valid. 0 or an error that was printed.
 */
int run_as_decide(const char *user, bool as_root, struct run_as *ret_as);
void run_as_release(struct run_as *as);

/* Loads and attaches the programs. NULL after an error was printed: not root, no BTF, no bpf(). */
struct session *session_open(const struct session_options *options);

/*
 * Starts argv (found by PATH) held before exec, observes it from its exec on. stdio: three
 * descriptors to become 0, 1, 2 (-1: convoy's own). 0, or a negative errno that was not printed for
 * the exec itself (-ENOENT, -EACCES …: the caller words it).
 */
int session_spawn(struct session *session, char *const argv[], const struct run_as *as,
		  const int stdio[3]);
/* Observes the live processes, their threads and descendants. */
int session_attach(struct session *session, const pid_t *pids, size_t pid_count);

/* The spawned command; its exit status as a shell shows it once it is dead, else -1. */
pid_t session_pid(const struct session *session);
int session_exit_status(const struct session *session);

/* Descriptor to poll besides others of the caller; call step when it is readable, or after so many
 * milliseconds (ask each time). */
int session_poll_fd(const struct session *session);
int session_sleep_ms(const struct session *session);
/* Drains what there is. 1: the window is closed and all is drained; 0: go on; or an error. */
int session_step(struct session *session);
/* Asks for the end of the window now; step says when it is done. is_interrupted: the targets live
 * on. */
void session_stop(struct session *session, bool is_interrupted);
/* step until done, or until timeout_ms (-1: none) has passed, or a signal in convoy's set arrived.
 * As session_step. */
int session_wait(struct session *session, int timeout_ms);

/* CLOCK_MONOTONIC now. */
uint64_t session_now_ns(void);

/* A thread as it is now: its totals, with the time of the state under way added. */
struct live_thread {
	struct thread_total total;
	struct futex_use waiting_for; /* in state futex */
	uint8_t state; /* enum state, now */
	int16_t syscall;
};

/* All live target threads, in an array the caller frees. 0 or an error, printed. */
int session_peek(struct session *session, struct live_thread **ret_threads, size_t *ret_count);

/* The trace of the closed window, owned by the caller; its slices live as long as the session. */
int session_finish(struct session *session, struct trace **ret_trace);
/* After classify(trace): slices carry lock numbers from now on instead of use numbers. */
void session_use_locks(struct session *session, const struct trace *trace);
void session_close(struct session *session); /* detaches all; takes NULL */

#endif
