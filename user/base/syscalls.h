/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of the system calls of x86-64 by number, so that a sleep can be named with its call.
 * Not for calling any, and not for other machines: a trace says in meta.json which one it comes
 * from.
 */
#ifndef CONVOY_BASE_SYSCALLS_H
#define CONVOY_BASE_SYSCALLS_H

/* "epoll_wait", or NULL where the number stands for no call that is known here. */
const char *syscall_name(int number);

#endif
