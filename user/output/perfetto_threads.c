/* SPDX-License-Identifier: GPL-2.0-only */
/* One sequence of packets a thread. */
#include "output/perfetto_threads.h"

#include <stdlib.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/perfetto_fields.h"

/* Names of events, by number: states first, with futex replaced by what the lock is. */
#define NAME_OF_CLASS (1 + STATE_COUNT)
#define NAME_RELEASE (NAME_OF_CLASS + LOCK_STATE_COUNT)

/* Names of arguments. */
#define ARGUMENT_LOCK 1
#define ARGUMENT_CALL 2
#define ARGUMENT_BIT(number) (NAME_RELEASE + (number)) /* in thread_track.given */

struct thread_track {
	uint64_t last_ns; /* of its packet before */
	uint32_t sequence; /* 0: nothing written yet */
	uint32_t given; /* bits of the names it was given */
	uint32_t last_string; /* the last number given to a string of its arguments */
};

struct process_track {
	int32_t pid;
	uint32_t leader; /* number of the thread whose name it has */
	uint64_t uuid; /* 0: not described yet */
};

static int by_pid(const void *a, const void *b)
{
	const struct process_track *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->leader < y->leader ? -1 : x->leader > y->leader;
}

/* The list of processes: for each pid its main thread, or the first one there is. */
static void find_processes(struct thread_tracks *tracks)
{
	const struct trace *trace = tracks->trace;
	struct process_track *all = xcalloc(trace->thread_count, sizeof(*all));
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		if (!thread->is_rest)
			all[count++] = (struct process_track){ thread->pid, thread->id, 0 };
	}
	if (count)
		qsort(all, count, sizeof(*all), by_pid);
	for (size_t i = 0; i < count; i++) {
		bool is_main = trace->threads[all[i].leader - 1].tid == all[i].pid;

		if (kept == 0 || all[kept - 1].pid != all[i].pid)
			all[kept++] = all[i];
		else if (is_main)
			all[kept - 1].leader = all[i].leader;
	}
	tracks->processes = all;
	tracks->process_count = kept;
}

void thread_tracks_init(struct thread_tracks *tracks, struct perfetto *perfetto,
			const struct trace *trace, const char *prefix)
{
	*tracks = (struct thread_tracks){
		.perfetto = perfetto,
		.trace = trace,
		.prefix = prefix,
		.threads = xcalloc(trace->thread_count, sizeof(*tracks->threads)),
	};
	find_processes(tracks);
}

void thread_tracks_release(struct thread_tracks *tracks)
{
	free(tracks->threads);
	free(tracks->processes);
	tally_free(&tracks->strings);
}

static void describe_process(struct thread_tracks *tracks, struct process_track *process)
{
	const struct meta *meta = &tracks->trace->meta;
	const char *comm = tracks->trace->threads[process->leader - 1].comm;
	char *safe OWNED(mem_freep) = escape_text(comm);
	char *name OWNED(mem_freep) = xasprintf("%s%s", tracks->prefix, safe);

	process->uuid = ++tracks->perfetto->last_track;
	packet_process(tracks->perfetto, process->uuid, process->pid, name,
		       process->pid == meta->root_pid ? meta->command : NULL);
}

uint64_t process_track_get(struct thread_tracks *tracks, int32_t pid)
{
	const struct process_track key = { .pid = pid };
	size_t low = 0, high = tracks->process_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tracks->processes[middle].pid < key.pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == tracks->process_count || tracks->processes[low].pid != pid)
		return 0;
	if (!tracks->processes[low].uuid)
		describe_process(tracks, &tracks->processes[low]);
	return tracks->processes[low].uuid;
}

static void begin_thread(struct thread_tracks *tracks, uint32_t number, uint64_t now_ns)
{
	const struct thread *thread = &tracks->trace->threads[number - 1];
	struct thread_track *track = &tracks->threads[number - 1];
	struct track_id id = { .uuid = ++tracks->perfetto->last_track };

	if (thread->is_rest) {
		packet_track(tracks->perfetto, id, "other threads");
	} else {
		id.parent = process_track_get(tracks, thread->pid);
		packet_thread(tracks->perfetto, id, thread);
	}
	track->sequence = packet_sequence(tracks->perfetto, now_ns, id.uuid, tracks->counter);
	track->last_ns = now_ns;
}

static uint32_t name_of(const struct thread_tracks *tracks, const struct thread_event *event)
{
	const struct slice *slice = &event->slice;
	enum lock_state class = LOCK_STATE_FUTEX;

	if (event->type == EVENT_RELEASE)
		return NAME_RELEASE;
	if (slice->state != STATE_FUTEX)
		return 1 + slice->state;
	if (slice->lock)
		class = tracks->trace->locks[slice->lock - 1].state;
	return NAME_OF_CLASS + class;
}

static const char *text_of_name(uint32_t name)
{
	if (name == NAME_RELEASE)
		return "release";
	if (name >= NAME_OF_CLASS)
		return lock_state_name(name - NAME_OF_CLASS);
	return state_name(name - 1);
}

/* What explains a slice: a lock, or the system call it is blocked in. */
struct argument {
	uint32_t name; /* 0: there is none */
	uint32_t string; /* locks have their own numbers, calls those behind */
	uint64_t number; /* of the string in the sequence of its thread: small, as they come */
	bool is_new; /* it gets this number now */
};

static struct argument argument_of(const struct thread_tracks *tracks,
				   const struct thread_event *event)
{
	const struct slice *slice = &event->slice;
	bool has_call = slice->state >= STATE_IO && slice->state <= STATE_SLEEP &&
			slice->syscall != RECORD_SYSCALL_NONE;

	if (event->type != EVENT_END && slice->state == STATE_FUTEX && slice->lock)
		return (struct argument){ .name = ARGUMENT_LOCK, .string = slice->lock };
	if (event->type == EVENT_BEGIN && has_call)
		return (struct argument){ .name = ARGUMENT_CALL,
					  .string = (uint32_t)tracks->trace->lock_count + 1 +
						    (uint16_t)slice->syscall };
	return (struct argument){ 0 };
}

static char *text_of_argument(const struct thread_tracks *tracks, struct argument argument)
{
	uint32_t first_call = (uint32_t)tracks->trace->lock_count + 1;

	if (argument.name == ARGUMENT_LOCK)
		return label_lock(tracks->trace, argument.string);
	return label_syscall(tracks->trace, (int)(argument.string - first_call));
}

static void add_entry(struct proto *packet, unsigned int table, uint64_t number, const char *text)
{
	size_t begin = proto_open(packet, table);

	proto_number(packet, ENTRY_IID, number);
	proto_string(packet, ENTRY_STRING, text);
	proto_close(packet, begin);
}

/* True if this is the first time. */
static bool gives_name(struct thread_track *track, uint32_t bit)
{
	bool is_new = !(track->given & 1u << bit);

	track->given |= 1u << bit;
	return is_new;
}

static void number_string(struct thread_tracks *tracks, uint32_t thread, struct argument *argument)
{
	struct tally *entry = tally_get(&tracks->strings, thread, argument->string);

	argument->is_new = entry->count++ == 0;
	if (argument->is_new)
		entry->mark = ++tracks->threads[thread - 1].last_string;
	argument->number = entry->mark;
}

/* The names that this event uses first. */
static void add_names(struct thread_tracks *tracks, const struct thread_event *event, uint32_t name,
		      struct argument argument)
{
	struct proto *packet = &tracks->perfetto->packet;
	struct thread_track *track = &tracks->threads[event->thread - 1];
	bool has_name = event->type != EVENT_END && gives_name(track, name);
	bool has_argument = argument.name && gives_name(track, ARGUMENT_BIT(argument.name));
	size_t begin;

	if (!has_name && !has_argument && !argument.is_new)
		return;
	begin = proto_open(packet, PACKET_INTERNED_DATA);
	if (has_name)
		add_entry(packet, INTERNED_EVENT_NAMES, name, text_of_name(name));
	if (has_argument)
		add_entry(packet, INTERNED_ANNOTATION_NAMES, argument.name,
			  argument.name == ARGUMENT_LOCK ? "lock" : "call");
	if (argument.is_new) {
		char *text OWNED(mem_freep) = text_of_argument(tracks, argument);

		add_entry(packet, INTERNED_ANNOTATION_STRINGS, argument.number, text);
	}
	proto_close(packet, begin);
}

static void add_argument(struct proto *packet, struct argument argument)
{
	size_t begin = proto_open(packet, EVENT_DEBUG_ANNOTATIONS);

	proto_number(packet, ANNOTATION_NAME_IID, argument.name);
	proto_number(packet, ANNOTATION_STRING_IID, argument.number);
	proto_close(packet, begin);
}

static void add_event(const struct thread_tracks *tracks, const struct thread_event *event,
		      uint32_t name, struct argument argument)
{
	static const uint8_t types[] = { [EVENT_BEGIN] = EVENT_TYPE_BEGIN,
					 [EVENT_END] = EVENT_TYPE_END,
					 [EVENT_RELEASE] = EVENT_TYPE_INSTANT };
	struct proto *packet = &tracks->perfetto->packet;
	size_t begin = proto_open(packet, PACKET_TRACK_EVENT);

	proto_number(packet, EVENT_TYPE, types[event->type]);
	if (event->type != EVENT_END)
		proto_number(packet, EVENT_NAME_IID, name);
	if (argument.name)
		add_argument(packet, argument);
	if (event->counter && event->counter != tracks->counter)
		proto_number(packet, EVENT_EXTRA_COUNTER_TRACKS, event->counter);
	if (event->counter)
		proto_number(packet, EVENT_EXTRA_COUNTER_VALUES, event->value);
	if (event->flow)
		proto_fixed64(packet,
			      event->type == EVENT_RELEASE ? EVENT_FLOW_IDS
							   : EVENT_TERMINATING_FLOW_IDS,
			      event->flow);
	proto_close(packet, begin);
}

/*
 * The flag that a packet needs the state of its sequence is left out: it tells a reader what to
 * skip after packets were lost, and would cost four bytes a slice in a file that loses none.
 */
void thread_event_write(struct thread_tracks *tracks, const struct thread_event *event,
			uint64_t now_ns)
{
	struct thread_track *track = &tracks->threads[event->thread - 1];
	uint32_t name = name_of(tracks, event);
	struct argument argument = argument_of(tracks, event);
	size_t begin;

	if (!track->sequence)
		begin_thread(tracks, event->thread, now_ns);
	if (argument.name)
		number_string(tracks, event->thread, &argument);
	begin = packet_open(tracks->perfetto, track->sequence);
	proto_number(&tracks->perfetto->packet, PACKET_TIMESTAMP, now_ns - track->last_ns);
	track->last_ns = now_ns;
	add_names(tracks, event, name, argument);
	add_event(tracks, event, name, argument);
	packet_close(tracks->perfetto, begin);
}
