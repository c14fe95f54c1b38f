/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF headers, sections and notes, read one by one with pread: no count is believed. */
#include "names/elf_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define NOTES_MAX_BYTES 4096
#define SECTION_NAMES_MAX (256U << 10)

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define ELF_MACHINE EM_AARCH64
#else
#define ELF_MACHINE EM_NONE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELF_ORDER ELFDATA2LSB
#else
#define ELF_ORDER ELFDATA2MSB
#endif

bool elf_read_at(int fd, uint64_t offset, void *ret_bytes, size_t size)
{
	size_t done = 0;

	if (offset > INT64_MAX - size)
		return false;
	while (done < size) {
		ssize_t got =
			pread(fd, (char *)ret_bytes + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool is_ours(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELF_ORDER &&
	       header->e_machine == ELF_MACHINE &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN);
}

/* Padded to four bytes; false if it cannot be inside. */
static bool skip(size_t *at, size_t bytes, size_t size)
{
	size_t padded = (bytes + 3) & ~(size_t)3;

	if (padded > size - *at)
		return false;
	*at += padded;
	return true;
}

static void take_notes(const uint8_t *notes, size_t size, struct elf_headers *headers)
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		size_t name = at + sizeof(Elf64_Nhdr);
		Elf64_Nhdr note;
		size_t body;

		memcpy(&note, notes + at, sizeof(note));
		body = name;
		if (!skip(&body, note.n_namesz, size))
			return;
		at = body;
		if (!skip(&at, note.n_descsz, size))
			return;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp(notes + name, "GNU", 4) != 0 || note.n_descsz > ELF_BUILD_ID_MAX)
			continue;
		memcpy(headers->build_id, notes + body, note.n_descsz);
		headers->build_id_size = note.n_descsz;
	}
}

static void take_note_segment(int fd, uint64_t offset, uint64_t size, struct elf_headers *headers)
{
	uint8_t notes[NOTES_MAX_BYTES];

	if (headers->build_id_size == 0 && size <= sizeof(notes) &&
	    elf_read_at(fd, offset, notes, size))
		take_notes(notes, size, headers);
}

static void read_segments(int fd, const Elf64_Ehdr *header, struct elf_headers *headers)
{
	for (size_t i = 0; i < header->e_phnum && i < 4 * ELF_SEGMENTS_MAX; i++) {
		Elf64_Phdr segment;

		if (!elf_read_at(fd, header->e_phoff + i * sizeof(segment), &segment,
				 sizeof(segment)))
			return;
		if (segment.p_type == PT_NOTE)
			take_note_segment(fd, segment.p_offset, segment.p_filesz, headers);
		if (segment.p_type == PT_GNU_EH_FRAME)
			headers->frames = segment;
		if (segment.p_type == PT_LOAD && headers->segment_count < ELF_SEGMENTS_MAX)
			headers->segments[headers->segment_count++] = segment;
	}
}

struct sections {
	Elf64_Shdr *list;
	size_t count;
	char *names; /* terminated */
	size_t names_size;
};

static void sections_release(struct sections *sections)
{
	free(sections->list);
	free(sections->names);
}

static bool sections_read(int fd, const Elf64_Ehdr *header, struct sections *sections)
{
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0 ||
	    header->e_shnum > ELF_SECTIONS_MAX)
		return false;
	sections->list = xcalloc(header->e_shnum, sizeof(Elf64_Shdr));
	if (!elf_read_at(fd, header->e_shoff, sections->list, header->e_shnum * sizeof(Elf64_Shdr)))
		return false;
	sections->count = header->e_shnum;
	if (header->e_shstrndx >= sections->count)
		return true;
	names = &sections->list[header->e_shstrndx];
	if (names->sh_size == 0 || names->sh_size > SECTION_NAMES_MAX)
		return true;
	sections->names = xcalloc(names->sh_size + 1, 1);
	if (elf_read_at(fd, names->sh_offset, sections->names, names->sh_size))
		sections->names_size = names->sh_size;
	return true;
}

static void take_table(const struct sections *sections, const Elf64_Shdr *section,
		       struct elf_table *table)
{
	const Elf64_Shdr *names;

	if (section->sh_entsize != sizeof(Elf64_Sym) || section->sh_link >= sections->count ||
	    section->sh_size > ELF_TABLE_MAX_BYTES)
		return;
	names = &sections->list[section->sh_link];
	if (names->sh_type != SHT_STRTAB)
		return;
	table->offset = section->sh_offset;
	table->count = section->sh_size / sizeof(Elf64_Sym);
	table->names = names->sh_offset;
	table->names_size = names->sh_size;
}

/* Those that the dynamic linker works on, by the names of .dynsym. */
static void take_relocations(const struct sections *sections, const Elf64_Shdr *section,
			     struct elf_headers *headers)
{
	struct elf_table *table;

	if (section->sh_entsize != sizeof(Elf64_Rela) || section->sh_link >= sections->count ||
	    sections->list[section->sh_link].sh_type != SHT_DYNSYM ||
	    headers->relocation_count == ELF_RELOCATIONS_MAX)
		return;
	table = &headers->relocations[headers->relocation_count++];
	table->offset = section->sh_offset;
	table->count = section->sh_size / sizeof(Elf64_Rela);
}

/* A file name, padded with zeros to four bytes, and the checksum of that file. */
static void take_debug_link(int fd, const Elf64_Shdr *section, struct elf_headers *headers)
{
	char bytes[ELF_LINK_MAX + sizeof(uint32_t)] = "";
	size_t size = section->sh_size;

	if (size < 2 * sizeof(uint32_t) || size > sizeof(bytes) ||
	    !elf_read_at(fd, section->sh_offset, bytes, size))
		return;
	memcpy(&headers->debug_crc, bytes + size - sizeof(uint32_t), sizeof(uint32_t));
	bytes[size - sizeof(uint32_t)] = '\0';
	/* A base name and nothing else: it will be looked for beside the system's debug files. */
	if (strchr(bytes, '/') || bytes[0] == '.')
		return;
	memcpy(headers->debug_link, bytes, strnlen(bytes, ELF_LINK_MAX - 1));
}

static void take_section(int fd, const struct sections *sections, const Elf64_Shdr *section,
			 struct elf_headers *headers)
{
	if (section->sh_type == SHT_SYMTAB)
		take_table(sections, section, &headers->symtab);
	else if (section->sh_type == SHT_DYNSYM)
		take_table(sections, section, &headers->dynsym);
	else if (section->sh_type == SHT_RELA)
		take_relocations(sections, section, headers);
	else if (section->sh_type == SHT_NOTE)
		take_note_segment(fd, section->sh_offset, section->sh_size, headers);
	else if (section->sh_type == SHT_PROGBITS && section->sh_name < sections->names_size &&
		 !strcmp(sections->names + section->sh_name, ".gnu_debuglink"))
		take_debug_link(fd, section, headers);
}

bool elf_headers_read(int fd, struct elf_headers *ret_headers)
{
	struct sections sections OWNED(sections_release) = { 0 };
	Elf64_Ehdr header;

	memset(ret_headers, 0, sizeof(*ret_headers));
	if (!elf_read_at(fd, 0, &header, sizeof(header)) || !is_ours(&header))
		return false;
	if (header.e_phentsize == sizeof(Elf64_Phdr))
		read_segments(fd, &header, ret_headers);
	/* Without sections (stripped of them too) there are segments still: an offset can be told.
	 */
	if (sections_read(fd, &header, &sections))
		for (size_t i = 0; i < sections.count; i++)
			take_section(fd, &sections, &sections.list[i], ret_headers);
	return true;
}
