/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits of Java, one kind a run: Waits KIND MILLISECONDS. Threads are called after what they do, and
 * none does anything else. Not a benchmark.
 */
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

public class Waits {
	static final Object monitor = new Object();
	static final ReentrantLock lock = new ReentrantLock();
	static final LinkedBlockingQueue<Integer> queue = new LinkedBlockingQueue<>();
	static final long held = 2000000; /* ns */
	static volatile long sink;
	static long end;

	interface Work {
		void run() throws Exception;
	}

	static void spin(long ns) {
		long stop = System.nanoTime() + ns;

		while (System.nanoTime() < stop)
			sink++;
	}

	static boolean isOver() {
		return System.nanoTime() >= end;
	}

	static void contendLock() {
		while (!isOver()) {
			lock.lock();
			try {
				spin(held);
			} finally {
				lock.unlock();
			}
		}
	}

	static void contendMonitor() {
		while (!isOver())
			synchronized (monitor) {
				spin(held);
			}
	}

	static void take() throws Exception {
		while (queue.take() >= 0)
			spin(100000);
	}

	static void fill(int consumers) throws Exception {
		while (!isOver()) {
			queue.put(1);
			Thread.sleep(5);
		}
		for (int i = 0; i < consumers; i++)
			queue.put(-1);
	}

	static void await() throws Exception {
		synchronized (monitor) {
			while (!isOver())
				monitor.wait();
		}
	}

	static void tell() throws Exception {
		while (!isOver()) {
			Thread.sleep(5);
			synchronized (monitor) {
				monitor.notifyAll();
			}
		}
		synchronized (monitor) {
			monitor.notifyAll();
		}
	}

	static Thread start(String name, Work work) {
		Thread thread = new Thread(() -> {
			try {
				work.run();
			} catch (Exception failure) {
				throw new RuntimeException(failure);
			}
		}, name);

		thread.start();
		return thread;
	}

	static void all(int count, String name, Work work) throws Exception {
		Thread[] threads = new Thread[count];

		for (int i = 0; i < count; i++)
			threads[i] = start(name + "-" + i, work);
		for (Thread thread : threads)
			thread.join();
	}

	/* Its workers have one thing to do at the beginning, and none for the rest of the time. */
	static void pool(long ns) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(3);

		for (int i = 0; i < 3; i++)
			pool.submit(() -> spin(held));
		Thread.sleep(ns / 1000000);
		pool.shutdown();
		pool.awaitTermination(10, TimeUnit.SECONDS);
	}

	public static void main(String[] words) throws Exception {
		long ns = Long.parseLong(words[1]) * 1000000;

		end = System.nanoTime() + ns;
		switch (words[0]) {
		case "lock":
			all(3, "locker", Waits::contendLock);
			break;
		case "monitor":
			all(3, "clerk", Waits::contendMonitor);
			break;
		case "queue":
			start("producer", () -> fill(3));
			all(3, "consumer", Waits::take);
			break;
		case "notify":
			start("teller", Waits::tell);
			all(2, "listener", Waits::await);
			break;
		default:
			pool(ns);
		}
	}
}
