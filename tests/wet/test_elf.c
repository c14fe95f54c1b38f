/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that a target maps, good and hostile: cut short at every byte, with forged numbers, sparse,
 * and things that are no files at all. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/elf_symbols.h"

/* A small library: one segment behind one that lld has stretched to the end of its page, one symbol
 * in each of two tables. */
struct library {
	Elf64_Ehdr header;
	Elf64_Phdr relro;
	Elf64_Phdr segment;
	Elf64_Shdr sections[4];
	Elf64_Sym symbols[2];
	char names[16];
	char data[64];
};

#define DATA_VALUE 0x10000

static void make_image(struct library *image)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->header.e_ident, ELFMAG, SELFMAG);
	image->header.e_ident[EI_CLASS] = ELFCLASS64;
	image->header.e_ident[EI_DATA] = ELFDATA2LSB;
	image->header.e_type = ET_DYN;
	image->header.e_machine = EM_X86_64;
	image->header.e_phoff = offsetof(struct library, relro);
	image->header.e_phentsize = sizeof(Elf64_Phdr);
	image->header.e_phnum = 2;
	image->header.e_shoff = offsetof(struct library, sections);
	image->header.e_shentsize = sizeof(Elf64_Shdr);
	image->header.e_shnum = 4;
	image->header.e_shstrndx = SHN_UNDEF;
	image->segment = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W };
	image->segment.p_offset = offsetof(struct library, data);
	image->segment.p_vaddr = DATA_VALUE + offsetof(struct library, data);
	image->segment.p_filesz = sizeof(image->data);
	image->segment.p_memsz = 4096;
	image->relro = image->segment;
	image->relro.p_vaddr -= 4096;
	image->relro.p_filesz = 16;
	image->relro.p_memsz = DATA_VALUE - image->relro.p_vaddr;
	image->sections[1] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB, .sh_link = 2 };
	image->sections[1].sh_offset = offsetof(struct library, symbols);
	image->sections[1].sh_size = sizeof(image->symbols);
	image->sections[1].sh_entsize = sizeof(Elf64_Sym);
	image->sections[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB };
	image->sections[2].sh_offset = offsetof(struct library, names);
	image->sections[2].sh_size = sizeof(image->names);
	memcpy(image->names, "\0lock@@V1", 10);
	image->symbols[1].st_name = 1;
	image->symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	image->symbols[1].st_shndx = 3;
	image->symbols[1].st_value = image->segment.p_vaddr + 8;
	image->symbols[1].st_size = 40;
}

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

/* Asks everything there is to ask; the answers may be anything, but must come. */
static void ask_all(int fd)
{
	struct elf_file *file = elf_file_open(fd);
	struct elf_symbol symbol;
	uint64_t bias;
	char bytes[64];

	if (!file)
		return;
	elf_file_bias(file, 0x7f0000000000, 0, 0x7f0000000010, &bias);
	elf_file_bias(file, UINT64_MAX, UINT64_MAX, 0, &bias);
	for (uint64_t value = DATA_VALUE; value < DATA_VALUE + 1024; value += 8)
		elf_file_symbol_at(file, value, &symbol);
	elf_file_symbol_at(file, UINT64_MAX, &symbol);
	elf_file_symbol_named(file, "lock", &symbol);
	elf_file_read(file, DATA_VALUE, bytes, sizeof(bytes));
	elf_file_read(file, UINT64_MAX - 8, bytes, sizeof(bytes));
	elf_file_close(file);
}

static void test_elf__a_symbol_is_found_by_address_and_name(void **state)
{
	struct library image;
	struct elf_symbol symbol;
	struct elf_file *file;
	uint64_t bias;

	(void)state;
	make_image(&image);
	file = elf_file_open(file_of(&image, sizeof(image)));
	assert_non_null(file);

	assert_true(elf_file_symbol_at(file, image.symbols[1].st_value + 39, &symbol));
	assert_string_equal(symbol.name, "lock");
	assert_true(symbol.value == image.symbols[1].st_value);
	assert_false(elf_file_symbol_at(file, image.symbols[1].st_value + 40, &symbol));
	assert_false(elf_file_symbol_at(file, image.symbols[1].st_value - 1, &symbol));
	assert_true(elf_file_symbol_named(file, "lock", &symbol));
	assert_true(elf_file_symbol_named(file, "lock", &symbol));
	assert_false(elf_file_symbol_named(file, "loc", &symbol));
	assert_true(elf_file_bias(file, 0x7000000, 0, 0x7000000 + image.segment.p_offset, &bias));
	assert_true(bias == 0x7000000 - DATA_VALUE);
	assert_false(elf_file_bias(file, 0x7000000, 0, 0x7002000, &bias));
	elf_file_close(file);
}

static void test_elf__a_file_cut_at_every_byte_is_survived(void **state)
{
	struct library image;

	(void)state;
	make_image(&image);

	for (size_t size = 0; size <= sizeof(image); size++)
		ask_all(file_of(&image, size));
}

static void test_elf__every_byte_forged_is_survived(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct library image;

	(void)state;
	make_image(&image);

	for (size_t at = SELFMAG; at < offsetof(struct library, data); at++) {
		uint8_t *byte = (uint8_t *)&image + at;
		uint8_t before = *byte;

		for (size_t i = 0; i < sizeof(values); i++) {
			*byte = values[i];
			ask_all(file_of(&image, sizeof(image)));
		}
		*byte = before;
	}
}

static void test_elf__whole_words_forged_are_survived(void **state)
{
	static const uint64_t values[] = { 0,	       1ULL << 31,	UINT32_MAX,
					   1ULL << 40, INT64_MAX,	1ULL << 63,
					   UINT64_MAX, UINT64_MAX - 63, 4096 * 64ULL };
	struct library image;

	(void)state;
	make_image(&image);

	for (size_t at = 16; at + 8 <= offsetof(struct library, data); at += 4) {
		uint8_t before[8];

		memcpy(before, (char *)&image + at, sizeof(before));
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			memcpy((char *)&image + at, &values[i], sizeof(values[i]));
			ask_all(file_of(&image, sizeof(image)));
		}
		memcpy((char *)&image + at, before, sizeof(before));
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* CPU time of this thread: others on the machine do not count. */
static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* A table of symbols as large as the sparse file it lies in, all zeros or all the same symbol. */
static void test_elf__huge_tables_take_bounded_time_and_memory(void **state)
{
	static const uint64_t sizes[] = { 8ULL << 30, 96ULL << 20 };
	long before_kib = peak_kib();
	double begin = seconds();
	struct library image;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd;

		make_image(&image);
		image.sections[1].sh_size = sizes[i];
		image.sections[2].sh_size = 8ULL << 30;
		fd = file_of(&image, sizeof(image));
		assert_int_equal(ftruncate(fd, 8LL << 30), 0);
		ask_all(fd);
	}
	printf("%ld KiB, %.3f s\n", peak_kib() - before_kib, seconds() - begin);
	assert_true(peak_kib() - before_kib < 64 * 1024);
	assert_true(seconds() - begin < 2);
}

static void test_elf__many_symbols_are_bounded(void **state)
{
	const size_t count = 700000;
	Elf64_Sym *symbols OWNED(mem_freep) = xcalloc(count, sizeof(*symbols));
	struct library image;
	struct elf_file *file;
	int fd;

	(void)state;
	make_image(&image);
	image.sections[1].sh_offset = sizeof(image);
	image.sections[1].sh_size = count * sizeof(*symbols);
	for (size_t i = 0; i < count; i++) {
		symbols[i] = image.symbols[1];
		symbols[i].st_value += i * 7919 % 100000;
	}
	fd = file_of(&image, sizeof(image));
	assert_int_equal(write(fd, symbols, count * sizeof(*symbols)), count * sizeof(*symbols));
	file = elf_file_open(fd);
	assert_non_null(file);
	assert_true(elf_file_bytes(file) < 12 << 20);
	elf_file_close(file);
}

/* All that the kernel's list of mappings can make convoy ask of one file, each name in vain. */
static void test_elf__names_that_are_not_there_take_bounded_time(void **state)
{
	static const char *const names[] = { "Py_Version", "interpreter_lock", "_PyRuntime",
					     "gil_cond", "_PyThreadState_Current" };
	const size_t count = (96U << 20) / sizeof(Elf64_Sym);
	Elf64_Sym *symbols OWNED(mem_freep) = xcalloc(count, sizeof(*symbols));
	double open_seconds, ask_seconds, begin;
	struct elf_symbol symbol;
	struct library image;
	struct elf_file *file;
	int fd;

	(void)state;
	make_image(&image);
	image.sections[1].sh_offset = sizeof(image);
	image.sections[1].sh_size = count * sizeof(*symbols);
	for (size_t i = 0; i < count; i++) {
		symbols[i] = image.symbols[1];
		symbols[i].st_value += i;
	}
	fd = file_of(&image, sizeof(image));
	assert_int_equal(write(fd, symbols, count * sizeof(*symbols)), count * sizeof(*symbols));
	begin = cpu_seconds();

	file = elf_file_open(fd);
	open_seconds = cpu_seconds() - begin;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(elf_file_symbol_named(file, names[i], &symbol));
	elf_file_close(file);
	ask_seconds = cpu_seconds() - begin - open_seconds;
	printf("%zu symbols, %.3f s, then %.3f s\n", count, open_seconds, ask_seconds);
	assert_true(open_seconds + ask_seconds < 1);
	assert_true(ask_seconds < 5 * open_seconds); /* were all read, 10 times as long */
}

#define SCATTERED 300
#define ALIASES 20
#define SCATTERED_BYTES 24

/* Symbols of any order in the file, far apart; many larger ones begin at the same address, more
 * than are looked at. The innermost is meant. */
static void test_elf__symbols_may_come_in_any_order(void **state)
{
	const size_t count = SCATTERED * ALIASES;
	Elf64_Sym *symbols OWNED(mem_freep) = xcalloc(count, sizeof(*symbols));
	struct library image;
	struct elf_symbol symbol;
	struct elf_file *file;
	int fd;

	(void)state;
	make_image(&image);
	image.sections[1].sh_offset = sizeof(image);
	image.sections[1].sh_size = count * sizeof(*symbols);
	for (uint64_t i = 0; i < count; i++) {
		symbols[i] = image.symbols[1];
		symbols[i].st_value = 1 + i / ALIASES * 7919 % SCATTERED * 0x123456789abULL;
		symbols[i].st_size = (1 + i % ALIASES) * SCATTERED_BYTES;
	}
	fd = file_of(&image, sizeof(image));
	assert_int_equal(write(fd, symbols, count * sizeof(*symbols)), count * sizeof(*symbols));
	file = elf_file_open(fd);
	assert_non_null(file);
	for (size_t i = 0; i < count; i += ALIASES) {
		uint64_t value = symbols[i].st_value;

		assert_true(elf_file_symbol_at(file, value + SCATTERED_BYTES - 1, &symbol));
		assert_true(symbol.value == value && symbol.size == SCATTERED_BYTES);
		assert_true(elf_file_symbol_at(file, value + SCATTERED_BYTES, &symbol));
		assert_true(symbol.value == value && symbol.size == 2 * SCATTERED_BYTES);
		assert_false(elf_file_symbol_at(file, value - 1, &symbol));
	}
	elf_file_close(file);
}

/* What mapping_open says to a mapping that names this path, in this process. */
static int open_as_mapped(const char *path)
{
	struct stat status;
	struct mapping mapping = { .start = 0x1000, .end = 0x2000, .name = path };

	if (stat(path, &status) < 0)
		return -errno;
	mapping.dev = status.st_dev;
	mapping.inode = status.st_ino;
	return mapping_open(&mapping, getpid());
}

static void test_elf__only_the_regular_file_itself_is_opened(void **state)
{
	char directory[] = "/tmp/test_elf.XXXXXX";
	char *fifo OWNED(mem_freep) = NULL;
	char *plain OWNED(mem_freep) = NULL;
	char *link_path OWNED(mem_freep) = NULL;
	struct mapping mapping = { .start = 0x1000, .end = 0x2000 };
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	fifo = xasprintf("%s/fifo", directory);
	plain = xasprintf("%s/plain", directory);
	link_path = xasprintf("%s/link", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("plain", link_path), 0);
	fd = open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);

	fd = open_as_mapped(plain);
	assert_true(fd >= 0);
	close(fd);
	assert_true(open_as_mapped(link_path) < 0);
	assert_true(open_as_mapped(fifo) < 0); /* and does not wait for a writer */
	assert_true(open_as_mapped(directory) < 0);
	assert_true(open_as_mapped("/dev/zero") < 0);
	/* Another file under the name of the mapped one. */
	mapping.name = plain;
	mapping.inode = 1;
	assert_true(mapping_open(&mapping, getpid()) < 0);
	unlink(fifo);
	unlink(plain);
	unlink(link_path);
	rmdir(directory);
}

static void test_elf__a_deleted_file_is_still_read_through_its_mapping(void **state)
{
	char path[] = "/tmp/test_elf.XXXXXX";
	int fd = mkstemp(path);
	struct addrspace space;
	const struct mapping *mapping;
	void *mapped;
	int opened;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	unlink(path);
	assert_int_equal(addrspace_init(&space, getpid()), 0);
	mapping = addrspace_find(&space, (uintptr_t)mapped);
	assert_non_null(mapping);

	opened = mapping_open(mapping, getpid());
	assert_true(opened >= 0);
	close(opened);
	addrspace_release(&space);
	munmap(mapped, 4096);
	close(fd);
}

static void test_elf__memory_that_is_not_there_is_not_read(void **state)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char bytes[16];

	(void)state;
	memory[0] = 7;
	assert_true(target_read(getpid(), (uintptr_t)memory, bytes, sizeof(bytes)));
	assert_int_equal(bytes[0], 7);
	/* Never touched: reading would fault it in. */
	assert_false(target_read(getpid(), (uintptr_t)memory + 4096, bytes, sizeof(bytes)));
	assert_false(target_read(getpid(), (uintptr_t)memory + 4090, bytes, sizeof(bytes)));
	assert_false(target_read(getpid(), UINT64_MAX - 4, bytes, sizeof(bytes)));
	assert_false(target_read(999999999, (uintptr_t)memory, bytes, sizeof(bytes)));
	munmap(memory, 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf__a_symbol_is_found_by_address_and_name),
		cmocka_unit_test(test_elf__a_file_cut_at_every_byte_is_survived),
		cmocka_unit_test(test_elf__every_byte_forged_is_survived),
		cmocka_unit_test(test_elf__whole_words_forged_are_survived),
		cmocka_unit_test(test_elf__huge_tables_take_bounded_time_and_memory),
		cmocka_unit_test(test_elf__many_symbols_are_bounded),
		cmocka_unit_test(test_elf__names_that_are_not_there_take_bounded_time),
		cmocka_unit_test(test_elf__symbols_may_come_in_any_order),
		cmocka_unit_test(test_elf__only_the_regular_file_itself_is_opened),
		cmocka_unit_test(test_elf__a_deleted_file_is_still_read_through_its_mapping),
		cmocka_unit_test(test_elf__memory_that_is_not_there_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
