/* SPDX-License-Identifier: GPL-2.0-only */
/* A team of four that takes turns in a critical section and under a lock, and meets at barriers. */
#include <omp.h>
#include <unistd.h>

static omp_lock_t lock;
static int sum;

static void play(void)
{
	for (int i = 0; i < 3; i++) {
#pragma omp critical
		{
			sum++;
			usleep(3000);
		}
	}
#pragma omp barrier
	if (omp_get_thread_num() == 0)
		usleep(10000);
#pragma omp barrier
	omp_set_lock(&lock);
	usleep(2000);
	omp_unset_lock(&lock);
}

int main(void)
{
	omp_init_lock(&lock);
	for (int round = 0; round < 3; round++) {
#pragma omp parallel num_threads(4)
		play();
		usleep(20000);
	}
	return sum != 36;
}
