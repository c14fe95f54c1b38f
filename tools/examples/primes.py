#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""An example to measure: counts primes in two threads, which Python's GIL lets run in turn only."""
import sys
import threading


def count_primes(first, last, found, index):
    """The number of primes from first up to, not including, last."""
    count = 0
    for number in range(max(first, 2), last):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        count += divisor * divisor > number
    found[index] = count


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 60000
    middle = limit * 2 // 3  # the upper third takes about as long as the rest
    found = [0, 0]
    halves = [threading.Thread(target=count_primes, args=(0, middle, found, 0)),
              threading.Thread(target=count_primes, args=(middle, limit, found, 1))]
    for half in halves:
        half.start()
    for half in halves:
        half.join()
    print(sum(found), 'primes below', limit)


main()
