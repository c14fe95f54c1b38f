/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of functions that a JIT compiler made: the file perf-PID.map that it may leave in /tmp of
 * its own root. It is the target's to write, so it is read like any other hostile file: only where
 * it lies on no file system the target may be serving, and only a small regular file of the
 * target's user with no other name.
 */
#ifndef CONVOY_NAMES_PERF_MAP_H
#define CONVOY_NAMES_PERF_MAP_H

struct frames;

/* Gives the frames outside of all files the names that the map has for them. */
void perf_map_name(struct frames *frames);

#endif
