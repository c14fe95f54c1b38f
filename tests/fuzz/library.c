/* SPDX-License-Identifier: GPL-2.0-only */
/* A small library whose file is where the fuzzers of ELF files begin. Not run. */
int the_lock[4] = { 1, 2, 3, 4 };
static int hidden_lock;
char gil_cond[64], _PyRuntime[1024];
unsigned long Py_Version = 0x030b02f0;

int pthread_mutex_lock(void *mutex);
int wait_for_it(void *mutex);
int _ZN7Monitor4waitEv(void);

int wait_for_it(void *mutex)
{
	return pthread_mutex_lock(mutex ? mutex : &hidden_lock) + the_lock[1];
}

int _ZN7Monitor4waitEv(void)
{
	return wait_for_it(the_lock) + gil_cond[0] + _PyRuntime[0];
}
