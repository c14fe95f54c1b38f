/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The kernel side of convoy: one translation unit, so that its rooms share maps and inline freely.
 * Read from the bottom up: sched, process and futex are the programs, the others what they stand
 * on.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "record.h"

#include "maps.bpf.h"
#include "compat.bpf.h"
#include "use.bpf.h"
#include "life.bpf.h"
#include "turn.bpf.h"
#include "parking.bpf.h"
#include "holder.bpf.h"
#include "sched.bpf.h"
#include "process.bpf.h"
#include "futex.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
