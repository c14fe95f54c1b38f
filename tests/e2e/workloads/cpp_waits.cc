/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits of the C++ library, three threads each: on variables and on the heap. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

#define KEEP __attribute__((noinline))

namespace app
{

std::mutex table;
std::atomic<int> flag{ 0 };

struct Worker {
	std::mutex *mutex;
	KEEP void work()
	{
		for (int i = 0; i < 5; i++) {
			std::lock_guard<std::mutex> guard(*mutex);
			std::this_thread::sleep_for(3ms);
		}
	}
};

struct Queue {
	std::mutex mutex;
	std::condition_variable news;
	int count = 0;
	KEEP void pop()
	{
		std::unique_lock<std::mutex> guard(mutex);
		while (count == 0)
			news.wait(guard);
		count--;
	}
	KEEP void push()
	{
		std::lock_guard<std::mutex> guard(mutex);
		count++;
		news.notify_one();
	}
};

} // namespace app

static std::shared_mutex *shared = new std::shared_mutex;

KEEP void write_shared()
{
	for (int i = 0; i < 5; i++) {
		std::unique_lock<std::shared_mutex> guard(*shared);
		std::this_thread::sleep_for(3ms);
	}
}

static int make_value()
{
	std::this_thread::sleep_for(20ms);
	return 3;
}

KEEP int once_value()
{
	static int value = make_value();
	return value;
}

template <typename Body> static void with_threads(Body body, void (*meanwhile)() = nullptr)
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 3; i++)
		threads.emplace_back(body);
	if (meanwhile)
		meanwhile();
	for (auto &thread : threads)
		thread.join();
}

static app::Queue *queue = new app::Queue;

int main()
{
	app::Worker own{ new std::mutex };
	app::Worker common{ &app::table };

	with_threads([&] { own.work(); });
	with_threads([&] { common.work(); });
	with_threads([] { queue->pop(); },
		     [] {
			     for (int i = 0; i < 3; i++) {
				     std::this_thread::sleep_for(5ms);
				     queue->push();
			     }
		     });
	with_threads(write_shared);
	with_threads([] { app::flag.wait(0); },
		     [] {
			     std::this_thread::sleep_for(20ms);
			     app::flag = 1;
			     app::flag.notify_all();
		     });
	with_threads([] { once_value(); });
	return 0;
}
