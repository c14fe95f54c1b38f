/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks at parked threads of JVMs. */
#include "capture/parked.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/jvm.h"
#include "names/names.h"

#define LOOK_EVERY_NS 50000000ULL /* a look at a thread is ten small reads */
#define LOOKS_AT_ONCE 16
#define PARKERS_MAX 4096
#define MACHINES_MAX 64

struct machine {
	uint32_t proc;
	bool is_known; /* that it can be asked */
	struct jvm jvm;
};

struct parker {
	size_t machine;
	size_t place;
	pid_t tid;
	uint64_t where; /* see jvm_blocker */
};

struct parked {
	struct names *names;
	struct machine *machines;
	size_t machine_count;
	struct parker *parkers;
	size_t parker_count;
	size_t next; /* to look at */
	uint64_t looked_ns;
};

struct parked *parked_new(struct names *names)
{
	struct parked *parked = xcalloc(1, sizeof(*parked));

	parked->names = names;
	return parked;
}

void parked_free(struct parked *parked)
{
	if (!parked)
		return;
	free(parked->machines);
	free(parked->parkers);
	free(parked);
}

/* Its index, MACHINES_MAX: there are too many. */
static size_t machine_of(struct parked *parked, uint32_t proc)
{
	struct machine *machine;

	for (size_t i = 0; i < parked->machine_count; i++)
		if (parked->machines[i].proc == proc)
			return i;
	if (parked->machine_count == MACHINES_MAX)
		return MACHINES_MAX;
	machine = array_add(&parked->machines, &parked->machine_count, sizeof(*machine));
	machine->proc = proc;
	machine->is_known = names_jvm(parked->names, proc, &machine->jvm);
	return parked->machine_count - 1;
}

static void look_at(struct parked *parked, struct parker *parker, struct place *places)
{
	const struct machine *machine = &parked->machines[parker->machine];
	char name[JVM_CLASS_MAX];

	/* It notes what it parks for before it does, and until after: no other can be meant. */
	if (machine->is_known &&
	    thread_waits_at(machine->jvm.pid, parker->tid, places[parker->place].address) &&
	    jvm_blocker(&machine->jvm, parker->tid, &parker->where, name))
		sights_add(places[parker->place].blockers, name, 1);
}

/* As the table of calls has it (model/calls.c). */
static bool is_parking(const struct place *place)
{
	return strncmp(place->caller_object, "libjvm.so", 9) == 0 &&
	       (strcmp(place->caller, "Unsafe_Park") == 0 ||
		strcmp(place->caller, "Parker::park") == 0);
}

void parked_take(struct parked *parked, const struct life_record *life, struct place *places,
		 size_t place)
{
	struct parker *parker;
	size_t machine;

	if (!is_parking(&places[place]) || parked->parker_count == PARKERS_MAX)
		return;
	machine = machine_of(parked, life->proc);
	if (machine == MACHINES_MAX)
		return;
	parker = array_add(&parked->parkers, &parked->parker_count, sizeof(*parker));
	parker->machine = machine;
	parker->place = place;
	parker->tid = life->tid;
	look_at(parked, parker, places);
}

void parked_look(struct parked *parked, struct place *places)
{
	size_t count = parked->parker_count < LOOKS_AT_ONCE ? parked->parker_count : LOOKS_AT_ONCE;
	struct timespec now;
	uint64_t now_ns;

	if (count == 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	if (now_ns - parked->looked_ns < LOOK_EVERY_NS)
		return;
	parked->looked_ns = now_ns;
	for (size_t i = 0; i < count; i++) {
		parked->next = (parked->next + 1) % parked->parker_count;
		look_at(parked, &parked->parkers[parked->next], places);
	}
}
